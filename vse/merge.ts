/**
 * Layer[] → the merged options. Layers are applied lowest first; inside one layer the statements
 * come in the order remove, override, add, exclude, protect.
 */
import { isDeepStrictEqual } from 'node:util';
import { Cell } from './cells.ts';
import type { Content, Held } from './cells.ts';
import type { Span } from './diagnostic.ts';
import type { Findings } from './findings.ts';
import type {
  EntryStatement,
  ExcludeStatement,
  Layer,
  ReplaceStatement,
  RequestStatement,
  SelectStatement,
  SetStatement,
  Statement,
} from './layer.ts';
import { checkExclusions, checkRelations } from './merge-packages.ts';
import { describeHeld, reportExists, reportNothing, reportProtected } from './merge-messages.ts';
import { shapeAt } from './option-path.ts';
import { OPTIONS } from './options.ts';
import { showRelation } from './relation.ts';
import { retargeting } from './retarget.ts';
import { showPath } from './shape.ts';
import type { Path } from './shape.ts';
import type { Origin, PackageExclusion, PackageRemoval, RequestRelation, Verb } from './types.ts';

export interface Protection {
  readonly path: Path;
  readonly origin: Origin;
}

export interface Merged {
  readonly options: Cell;
  readonly excluded: ReadonlyMap<string, PackageExclusion>;
  readonly removed: ReadonlyMap<string, PackageRemoval>;
  /** What was removed and not given again: path → its origins, the removal last. */
  readonly taken: ReadonlyMap<string, readonly Origin[]>;
  readonly protections: readonly Protection[];
}

/** @param architecture instead of the one that the layers say */
export function merge(layers: readonly Layer[], findings: Findings, architecture?: string): Merged {
  const merger = new Merger(findings);
  layers.forEach((layer, index) => merger.apply(layer, index));
  const last = architecture !== undefined && retargeting(merger.options, architecture);
  if (last) merger.apply(last, layers.length);
  checkRelations(merger.options, findings);
  checkExclusions(merger.options, merger.excluded, layers, findings);
  return merger;
}

class Merger implements Merged {
  readonly options = new Cell();
  readonly excluded = new Map<string, PackageExclusion>();
  readonly removed = new Map<string, PackageRemoval>();
  readonly taken = new Map<string, readonly Origin[]>();
  readonly #protected: { path: Path; origin: Origin; layer: number }[] = [];
  readonly #findings: Findings;
  #layer!: Layer;
  #index = 0;
  /** Packages whose relations this layer has replaced already. */
  readonly #overridden = new Set<string>();
  /** The entry that an override named in vain: what is said of it would only repeat that. */
  #missing: Path | undefined;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  get protections(): readonly Protection[] {
    return this.#protected;
  }

  apply(layer: Layer, index: number): void {
    this.#layer = layer;
    this.#index = index;
    this.#missing = undefined;
    this.#overridden.clear();
    for (const statement of layer.statements) {
      if (this.#findings.full) return;
      this.#state(statement);
    }
  }

  #state(statement: Statement): void {
    switch (statement.type) {
      case 'set':
        return statement.verb === 'add' ? this.#add(statement) : this.#override(statement);
      case 'entry':
        return this.#entry(statement);
      case 'replace':
        return this.#replace(statement);
      case 'request':
        return this.#request(statement);
      case 'exclude':
        return this.#exclude(statement);
      case 'select':
        return statement.verb === 'remove' ? this.#remove(statement) : this.#protect(statement);
    }
  }

  #origin(verb: Verb, span: Span, replaced?: string): Origin {
    return { layer: this.#layer.name, verb, span, ...(replaced !== undefined && { replaced }) };
  }

  /** Gives `path` its first content, or its next. */
  #hold(path: Path, content: Content, origin: Origin, before: Held | undefined): void {
    const cell = this.options.make(path);
    cell.held = {
      content,
      origins: before?.origins ?? [],
      layer: before?.layer ?? this.#index,
    };
    cell.held.origins.push(origin);
    this.taken.delete(showPath(path));
  }

  #add(statement: SetStatement): void {
    const { path, value, text, span, invalid } = statement;
    const content: Content = { type: 'value', value, text, ...(invalid && { invalid }) };
    const rival = this.#rival(path);
    const held = this.options.at(path)?.held;
    if (held && sameValue(held.content, content)) {
      this.#hold(path, held.content, this.#origin('add', span), held);
      return;
    }
    if (this.#refused(path, span)) return;
    const there = held ?? rival?.held;
    if (there) reportExists(statement, rival?.path ?? path, there, this.#findings);
    else this.#hold(path, content, this.#origin('add', span), undefined);
  }

  #override({ path, value, text, span, invalid }: SetStatement): void {
    const content: Content = { type: 'value', value, text, ...(invalid && { invalid }) };
    const rival = this.#rival(path);
    if (this.#refused(path, span) || (rival && this.#refused(rival.path, span))) return;
    const held = this.options.at(path)?.held ?? rival?.held;
    if (!held) return this.#nothing('override', path, span);
    if (rival) this.options.drop(rival.path);
    const replaced = describeHeld(held);
    this.#hold(path, content, this.#origin('override', span, replaced), held);
  }

  /** Of keys that exclude each other (`content`, `source`, …), the one that is given instead. */
  #rival(path: Path): { readonly path: Path; readonly held: Held } | undefined {
    const parent = path.slice(0, -1);
    const shape = shapeAt(OPTIONS, parent);
    if (shape?.kind !== 'struct') return undefined;
    const key = path.at(-1)!;
    const group = shape.exclusive?.find((keys) => keys.includes(key)) ?? [];
    for (const other of group) {
      const held = other === key ? undefined : this.options.at([...parent, other])?.held;
      if (held) return { path: [...parent, other], held };
    }
    return undefined;
  }

  #entry({ verb, path, span }: EntryStatement): void {
    const held = this.options.at(path)?.held;
    if (verb === 'override') {
      if (held) return;
      this.#nothing('override', path, span);
      this.#missing = path;
    } else if (held || !this.#refused(path, span)) {
      this.#hold(path, { type: 'entry' }, this.#origin('add', span), held);
    }
  }

  #replace({ path, elements, span }: ReplaceStatement): void {
    if (this.#refused(path, span)) return;
    const cell = this.options.at(path);
    if (!cell) return this.#nothing('override', path, span);
    const replaced = `[${[...cell.children.keys()].join(', ')}]`;
    this.options.drop(path);
    for (const { text, span: place } of elements) {
      const origin = this.#origin('override', place, replaced);
      const content = { type: 'value', value: text, text } as const;
      this.#hold([...path, text], content, origin, undefined);
    }
  }

  /** The key of a package: `gcc:amd64` is `gcc` where amd64 is the native architecture. */
  #packageKey(name: string): string {
    const native = this.options.at(['distribution', 'architecture'])?.held?.content;
    const suffix = native?.type === 'value' ? `:${String(native.value)}` : ':';
    return name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  }

  #request({ verb, name, architecture: asked, relation, span }: RequestStatement): void {
    const key = this.#packageKey(asked === undefined ? name : `${name}:${asked}`);
    const architecture = key === name ? undefined : asked;
    const path = ['packages', key];
    const held = this.options.at(path)?.held;
    const known = held?.content.type === 'request' ? held.content.relations : undefined;
    const spelled = relation && showRelation(relation);
    const unchanged = known && (spelled === undefined || known.has(spelled));
    if ((verb === 'override' || !unchanged) && this.#refused(path, span)) return;
    if (!known && verb === 'override') return this.#nothing(verb, path, span);
    // Several overrides of one package in one layer add up among themselves.
    const replaces = verb === 'override' && !this.#overridden.has(key);
    if (replaces) this.#overridden.add(key);
    const origin = this.#origin(verb, span, replaces && held ? describeHeld(held) : undefined);
    const relations = known && !replaces ? known : new Map<string, RequestRelation>();
    if (relation && !relations.has(spelled!)) relations.set(spelled!, { ...relation, origin });
    const content = { type: 'request', name, architecture, relations } as const;
    this.#hold(path, content, origin, held);
    this.removed.delete(key);
  }

  #exclude({ name: text, span }: ExcludeStatement): void {
    const name = this.#packageKey(text);
    if (this.#refused(['packages', name], span)) return;
    const origins = [...(this.excluded.get(name)?.origins ?? []), this.#origin('exclude', span)];
    this.excluded.set(name, { name, origins });
  }

  #remove({ paths, span }: SelectStatement): void {
    const path = this.#existing(paths);
    if (this.#refused(path, span)) return;
    const cell = this.options.at(path);
    if (!cell) return this.#nothing('remove', path, span);
    const origin = this.#origin('remove', span);
    for (const { path: below, held } of [...cell.walk(path)]) {
      this.taken.set(showPath(below), [...held.origins, origin]);
      if (below[0] !== 'packages') continue;
      const name = below[1]!;
      this.removed.set(name, { name, requested: held.origins, origins: [origin] });
    }
    this.options.drop(path);
  }

  #protect({ paths, span }: SelectStatement): void {
    const path = this.#existing(paths);
    this.#protected.push({ path, origin: this.#origin('protect', span), layer: this.#index });
  }

  #existing(paths: readonly Path[]): Path {
    const path = paths.find((p) => this.options.at(p)) ?? paths[0]!;
    if (path[0] !== 'packages' || path[1] === undefined) return path;
    return ['packages', this.#packageKey(path[1])];
  }

  /** Whether a lower layer protects `path`, or something below it that is there; reported. */
  #refused(path: Path, span: Span): boolean {
    const guard = this.#protected.find(
      (p) =>
        p.layer < this.#index &&
        (startsWith(path, p.path) || (startsWith(p.path, path) && this.options.at(p.path))),
    );
    if (!guard) return false;
    const held = this.options.at(guard.path)?.held;
    reportProtected(span, guard, held, this.#findings);
    return true;
  }

  #nothing(verb: 'override' | 'remove', path: Path, span: Span): void {
    if (this.#missing && startsWith(path, this.#missing)) return;
    const siblings = this.options.at(path.slice(0, -1))?.children.keys() ?? [];
    const removal = this.taken.get(showPath(path))?.at(-1);
    reportNothing(verb, path, span, siblings, removal, this.#findings);
  }
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.length <= path.length && prefix.every((key, i) => key === path[i]);
}

function sameValue(a: Content, b: Content): boolean {
  if (a.type !== 'value' || b.type !== 'value') return false;
  return a.invalid === true || b.invalid === true || isDeepStrictEqual(a.value, b.value);
}
