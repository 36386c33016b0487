/**
 * The vocabulary of the language's one definition. From a shape come validation (validate.ts),
 * merging (merge.ts), option paths (option-path.ts) and the JSON Schema (schema.ts).
 */
import type { Node } from './node.ts';

/** A value as layers give it, normalised: sizes in bytes, modes as four octal digits. */
export type Value =
  string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

export type JsonSchema = { readonly [keyword: string]: unknown };

/** Why a node is not what a shape expects. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** The part that is wrong, when it is not the whole. */
  readonly node?: Node;
}

export type Reading<T> =
  { readonly value: T } | { readonly problem: Problem } | { readonly problems: readonly Problem[] };

export function problemsOf(reading: Reading<unknown>): readonly Problem[] {
  if ('problem' in reading) return [reading.problem];
  return 'problems' in reading ? reading.problems : [];
}

/** What a value is read against: relative paths start at the folder of the layer. */
export interface Surroundings {
  readonly directory: string;
}

/** A value that is set, replaced and taken away as a whole. */
export interface Leaf {
  readonly kind: 'leaf';
  readonly doc: string;
  /** Completes "must be …". */
  readonly expects: string;
  readonly schema: JsonSchema;
  /** What holds when no layer gives it. */
  readonly default?: Value;
  read(node: Node, surroundings: Surroundings): Reading<Value>;
  /** Normalised value → how a layer writes it; as it is when absent. */
  write?(value: Value): Value;
}

/** A mapping with fixed keys. */
export interface Struct {
  readonly kind: 'struct';
  readonly doc: string;
  readonly fields: Readonly<Record<string, Shape>>;
  /** Groups of keys of which one stands for all: giving another replaces it. */
  readonly exclusive?: readonly (readonly string[])[];
}

/** The rule for the names in a record: gives the canonical name. */
export interface KeyRule {
  readonly expects: string;
  /** ECMAScript regular expression, for the JSON Schema. */
  readonly pattern: string;
  read(text: string): Reading<string>;
}

/** A mapping with names of the author's choosing. */
export interface Record_ {
  readonly kind: 'record';
  readonly doc: string;
  readonly key: KeyRule;
  readonly of: Struct | Leaf;
}

/** Values without order, each at most once; every one is added and taken away by itself. */
export interface Set_ {
  readonly kind: 'set';
  readonly doc: string;
  readonly item: Leaf;
  /** What holds when no layer gives any. */
  readonly default?: readonly string[];
}

/** The set of requested packages: by name, each with relations that add up. */
export interface Packages {
  readonly kind: 'packages';
  readonly doc: string;
}

export type Shape = Leaf | Struct | Record_ | Set_ | Packages;

/** Keys from the root: `['files', '/etc/motd', 'content']`. */
export type Path = readonly string[];

/** As people write it: `files./etc/motd.content`. */
export const showPath = (path: Path): string => path.join('.');
