/** The `add` and `override` blocks: nodes → statements, guided by the shapes. */
import type { Findings } from './findings.ts';
import type { Statement } from './layer.ts';
import { wrongType } from './leaves.ts';
import { suggestion } from './nearest.ts';
import { describe, quote, shorten } from './node.ts';
import type { MapNode, Node } from './node.ts';
import { readRequest } from './relation.ts';
import type { PackageText } from './relation.ts';
import type {
  Leaf,
  Path,
  Reading,
  Record_,
  Set_,
  Shape,
  Struct,
  Surroundings,
  Value,
} from './shape.ts';
import { showPath } from './shape.ts';

export class ValueReader {
  readonly statements: Statement[] = [];
  readonly #verb: 'add' | 'override';
  readonly #surroundings: Surroundings;
  readonly #findings: Findings;

  constructor(verb: 'add' | 'override', surroundings: Surroundings, findings: Findings) {
    this.#verb = verb;
    this.#surroundings = surroundings;
    this.#findings = findings;
  }

  read(shape: Shape, node: Node, path: Path): void {
    if (this.#findings.full) return;
    switch (shape.kind) {
      case 'struct':
        return this.#struct(shape, node, path);
      case 'record':
        return this.#record(shape, node, path);
      case 'set':
        return this.#set(shape, node, path);
      case 'packages':
        return this.#packages(node);
      case 'leaf': {
        const value = this.leaf(shape, node);
        const statement = { type: 'set', verb: this.#verb, path, span: node.span } as const;
        this.statements.push(
          value === undefined
            ? { ...statement, value: '', text: quote(node), invalid: true }
            : { ...statement, value, text: quote(node) },
        );
      }
    }
  }

  /** The value of one leaf; undefined when it was refused, with the reason reported. */
  leaf(shape: Leaf, node: Node): Value | undefined {
    return this.#findings.accept(shape.read(node, this.#surroundings), node.span);
  }

  /** The node as a mapping, where nothing at all means an empty one. */
  #map(node: Node, what: string): MapNode | undefined {
    if (node.kind === 'map') return node;
    if (node.kind === 'scalar' && node.value === null)
      return { kind: 'map', entries: [], span: node.span };
    this.#findings.accept(wrongType(what, node), node.span);
    return undefined;
  }

  #struct(shape: Struct, node: Node, path: Path): void {
    const keys = path.length === 0 ? 'options' : Object.keys(shape.fields).join(', ');
    const map = this.#map(node, `a mapping of ${keys}`);
    if (!map) return;
    const refused = this.#rivals(shape, map);
    const where = path.length > 0 ? ` in ${showPath(path)}` : '';
    for (const { key, keySpan, value } of map.entries) {
      if (refused.has(key)) continue;
      const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
      if (field) this.read(field, value, [...path, key]);
      else
        this.#findings.error('VSE020', `Unknown key '${shorten(key)}'${where}`, {
          span: keySpan,
          hint: suggestion(key, Object.keys(shape.fields)),
        });
    }
  }

  /** Keys that cannot stand beside another one that is given before them; reported. */
  #rivals(shape: Struct, map: MapNode): ReadonlySet<string> {
    const refused = new Set<string>();
    for (const group of shape.exclusive ?? []) {
      const [first, ...others] = map.entries.filter((entry) => group.includes(entry.key));
      for (const { key, keySpan } of others) {
        refused.add(key);
        this.#findings.error('VSE033', `'${key}' cannot stand beside '${first!.key}'`, {
          span: keySpan,
          notes: [{ message: `'${first!.key}' is given here`, span: first!.keySpan }],
          hint: `Give one of ${group.join(', ')}.`,
        });
      }
    }
    return refused;
  }

  #record(shape: Record_, node: Node, path: Path): void {
    const map = this.#map(node, 'a mapping of names to values');
    if (!map) return;
    for (const { key, keySpan, value } of map.entries) {
      const name = this.#findings.accept(shape.key.read(key), keySpan);
      if (name === undefined) continue;
      const entry = [...path, name];
      if (shape.of.kind === 'struct')
        this.statements.push({ type: 'entry', verb: this.#verb, path: entry, span: keySpan });
      this.read(shape.of, value, entry);
    }
  }

  #set(shape: Set_, node: Node, path: Path): void {
    if (node.kind !== 'list') return this.#notAList(node);
    const elements = node.items.flatMap((item) => {
      const value = this.leaf(shape.item, item);
      return typeof value === 'string' ? [{ text: value, span: item.span }] : [];
    });
    if (this.#verb === 'override') {
      this.statements.push({ type: 'replace', path, elements, span: node.span });
      return;
    }
    for (const { text, span } of elements)
      this.statements.push({
        type: 'set',
        verb: 'add',
        path: [...path, text],
        value: text,
        text,
        span,
      });
  }

  #packages(node: Node): void {
    if (node.kind !== 'list') return this.#notAList(node);
    for (const item of node.items) {
      const reading: Reading<PackageText> =
        item.kind === 'scalar' && item.value !== null
          ? readRequest(item.text)
          : wrongType('a package name', item);
      const request = this.#findings.accept(reading, item.span);
      if (request)
        this.statements.push({ type: 'request', verb: this.#verb, ...request, span: item.span });
    }
  }

  #notAList(node: Node): void {
    this.#findings.error('VSE021', `A list is expected here, not ${describe(node)}`, {
      span: node.span,
      hint:
        node.kind === 'scalar' && node.value !== null
          ? `Did you mean '[${quote(node)}]'?`
          : undefined,
    });
  }
}
