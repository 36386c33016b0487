/** One layer, read and checked: what it says, statement by statement, each with its place. */
import type { Span } from './diagnostic.ts';
import type { Relation } from './relation.ts';
import type { Published } from './published.ts';
import type { Path, Value } from './shape.ts';

/** A value for one option. */
export interface SetStatement {
  readonly type: 'set';
  readonly verb: 'add' | 'override';
  readonly path: Path;
  readonly value: Value;
  /** As written, for messages. */
  readonly text: string;
  readonly span: Span;
  /** The value was refused; kept so that later layers find the option. */
  readonly invalid?: true;
}

/** Names an entry of a record (a user, a file), even when it says nothing of it. */
export interface EntryStatement {
  readonly type: 'entry';
  readonly verb: 'add' | 'override';
  readonly path: Path;
  readonly span: Span;
}

/** Replaces all elements of a set. */
export interface ReplaceStatement {
  readonly type: 'replace';
  readonly path: Path;
  readonly elements: readonly { readonly text: string; readonly span: Span }[];
  readonly span: Span;
}

export interface RequestStatement {
  readonly type: 'request';
  readonly verb: 'add' | 'override';
  readonly name: string;
  readonly architecture?: string;
  readonly relation?: Relation;
  readonly span: Span;
}

/** `remove` and `protect`: a path and all below it. */
export interface SelectStatement {
  readonly type: 'select';
  readonly verb: 'remove' | 'protect';
  /** How the text can be read; the first that exists is meant. */
  readonly paths: readonly Path[];
  readonly span: Span;
}

export interface ExcludeStatement {
  readonly type: 'exclude';
  readonly name: string;
  readonly span: Span;
}

export type Statement =
  | SetStatement
  | EntryStatement
  | ReplaceStatement
  | RequestStatement
  | SelectStatement
  | ExcludeStatement;

export interface Layer {
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  /** As shown to people: a path, or `base:debian-12` for a shipped base. */
  readonly file: string;
  /** SHA-256 of the bytes, hex. */
  readonly sha256: string;
  /** Absolute path, when it is a file of this machine. */
  readonly path?: string;
  /** When it was fetched. */
  readonly published?: Published;
  /** References to lower layers, lowest first. */
  readonly extends: readonly { readonly text: string; readonly span: Span }[];
  /** In the order of their effect: remove, override, add, exclude, protect. */
  readonly statements: readonly Statement[];
  /** Where the name stands; what is wrong with the whole layer is reported here. */
  readonly span: Span;
}
