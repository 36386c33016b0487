/**
 * The merged VSE as one layer: every value with its origin in a comment. Read again, it gives the
 * same VSE but for the list of layers.
 */
import { Document, YAMLMap, YAMLSeq } from 'yaml';
import { shorten } from './node.ts';
import { shapeAt } from './option-path.ts';
import { OPTIONS } from './options.ts';
import { showRelation } from './relation.ts';
import { showPath } from './shape.ts';
import type { Path, Value } from './shape.ts';
import type { HeldOption, Origin, TracedVse } from './types.ts';
import { LANGUAGE_VERSION } from './validate.ts';

export function showVse(vse: TracedVse): string {
  const document = new Document({});
  const root = document.contents as unknown as YAMLMap;
  const writer = new Writer(document);
  root.set('vse', LANGUAGE_VERSION);
  root.set('name', vse.name);
  root.set('version', writer.text(vse.version));
  if (vse.description !== undefined) root.set('description', vse.description);

  const add = new YAMLMap();
  for (const key of Object.keys(OPTIONS.fields))
    for (const option of vse.held) if (option.path[0] === key) writer.option(add, option);
  if (add.items.length > 0) root.set('add', add);
  if (vse.excluded.length > 0) {
    const names = vse.excluded.map(({ name, origins }) => writer.scalar(name, origins));
    root.set('exclude', writer.map('packages', writer.list(names)));
  }
  if (vse.protections.length > 0) {
    const paths = vse.protections.map((p) => writer.scalar(showPath(p.path), [p.origin]));
    root.set('protect', writer.list(paths));
  }
  document.commentBefore = [
    ` ${vse.name} ${vse.version}, merged from these layers, lowest first:`,
    ...vse.layers.map((layer) =>
      [`   ${layer.name}`, layer.version, ` ${layer.file}`].filter(Boolean).join(' '),
    ),
  ].join('\n');
  return document.toString({ lineWidth: 0 });
}

/** Where a value came from, on one line: `cfd.yaml:14 overrides 4GiB`. */
export function showOrigins(origins: readonly Origin[]): string {
  return origins
    .map(({ span, verb, replaced }) => {
      const place = `${span.file}:${span.line}`;
      return verb === 'override' ? `${place} overrides ${shorten(replaced ?? '', 40)}` : place;
    })
    .join(', ');
}

/** A value as a layer writes it: sizes with units. */
export function writtenValue(path: Path, value: Value): Value {
  const shape = shapeAt(OPTIONS, path);
  return shape?.kind === 'leaf' && shape.write ? shape.write(value) : value;
}

class Writer {
  readonly #document: Document;

  constructor(document: Document) {
    this.#document = document;
  }

  /** Text that must stay text, whatever it looks like. */
  text(value: string): unknown {
    return this.#document.createNode(value);
  }

  map(key: string, value: unknown): YAMLMap {
    const map = new YAMLMap();
    map.set(key, value);
    return map;
  }

  list(items: readonly unknown[]): YAMLSeq {
    const list = new YAMLSeq();
    list.items = [...items];
    return list;
  }

  scalar(value: Value, origins: readonly Origin[]): unknown {
    const node = this.#document.createNode(value) as { comment?: string; flow?: boolean };
    node.comment = ` ${showOrigins(origins)}`;
    if (typeof value === 'object') node.flow = true;
    return node;
  }

  option(add: YAMLMap, { path, content, origins }: HeldOption): void {
    const parent = this.#container(add, path.slice(0, -1));
    const key = path.at(-1)!;
    if (content.type === 'request') {
      const items = [...content.relations.values()].map((relation) =>
        this.scalar(`${key} (${showRelation(relation)})`, [relation.origin]),
      );
      if (items.length === 0) items.push(this.scalar(key, origins));
      (parent as YAMLSeq).items.push(...items);
    } else if (parent instanceof YAMLSeq) {
      parent.items.push(this.scalar(key, origins));
    } else if (content.type === 'entry') {
      parent.set(this.scalar(key, origins), new YAMLMap());
    } else {
      parent.set(
        this.#document.createNode(key),
        this.scalar(writtenValue(path, content.value), origins),
      );
    }
  }

  #container(add: YAMLMap, path: Path): YAMLMap | YAMLSeq {
    let at: YAMLMap = add;
    for (const [i, key] of path.entries()) {
      const shape = shapeAt(OPTIONS, path.slice(0, i + 1));
      const isList = shape?.kind === 'set' || shape?.kind === 'packages';
      let next = at.get(key) as YAMLMap | YAMLSeq | undefined;
      if (!next) at.set(key, (next = isList ? new YAMLSeq() : new YAMLMap()));
      if (next instanceof YAMLSeq) return next;
      at = next;
    }
    return at;
  }
}
