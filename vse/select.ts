/**
 * The `remove`, `exclude` and `protect` blocks name things without giving values: by option paths,
 * `[hostname, kernel.cmdline.quiet]`, or in the form of the options, `kernel: {cmdline: [quiet]}`.
 */
import type { Findings } from './findings.ts';
import type { ExcludeStatement, SelectStatement } from './layer.ts';
import { wrongType } from './leaves.ts';
import { PACKAGE } from './names.ts';
import { suggestion } from './nearest.ts';
import { describe, shorten } from './node.ts';
import type { MapEntry, Node } from './node.ts';
import { pathHint, readPath } from './option-path.ts';
import { OPTIONS } from './options.ts';
import { showPath } from './shape.ts';
import type { Leaf, Path, Record_, Shape, Struct, Surroundings } from './shape.ts';

type Verb = 'remove' | 'protect';

/** The statements of a `remove` or `protect` block. */
export function readSelection(
  verb: Verb,
  block: Node,
  surroundings: Surroundings,
  findings: Findings,
): readonly SelectStatement[] {
  const selector = new Selector(verb, surroundings, findings);
  // An empty block says nothing; its lines may be commented out.
  if (!isNothing(block)) selector.below(OPTIONS, block, []);
  return selector.statements;
}

class Selector {
  readonly statements: SelectStatement[] = [];
  readonly #verb: Verb;
  readonly #surroundings: Surroundings;
  readonly #findings: Findings;

  constructor(verb: Verb, surroundings: Surroundings, findings: Findings) {
    this.#verb = verb;
    this.#surroundings = surroundings;
    this.#findings = findings;
  }

  /**
   * Reads `node`, which stands where the options have `shape` at `path`. `isEntry`: at a name of the
   * author's, which like a single value need not be followed by anything.
   */
  below(shape: Shape, node: Node, path: Path, isEntry = false): void {
    if (this.#findings.full) return;
    if (isNothing(node) && shape.kind !== 'leaf' && !isEntry)
      this.#findings.error('VSE021', `The ${this.#verb} block names nothing in ${showPath(path)}`, {
        span: node.span,
        hint: `Name something, or write '${showPath(path)}: true' for all of it.`,
      });
    else if (isWhole(node) && path.length > 0) this.#select([path], node);
    else if (node.kind === 'list' && shape.kind !== 'leaf')
      for (const item of node.items) this.#item(shape, item, path);
    else if (node.kind === 'map' && (shape.kind === 'struct' || shape.kind === 'record'))
      for (const entry of node.entries) this.#entry(shape, entry, path);
    else
      this.#findings.error(
        'VSE021',
        `The ${this.#verb} block names things; ${describe(node)} cannot stand here`,
        {
          span: node.span,
          hint:
            shape.kind === 'leaf'
              ? `Write '${showPath(path)}: true', or its path as a list item.`
              : "Give a list of names, as in 'packages: [nano]'.",
        },
      );
  }

  #select(paths: readonly Path[], node: Node): void {
    this.statements.push({ type: 'select', verb: this.#verb, paths, span: node.span });
  }

  /** One item of a list: a name, or below fixed keys a path of options. */
  #item(shape: Exclude<Shape, Leaf>, node: Node, path: Path): void {
    if (node.kind !== 'scalar' || node.value === null) {
      this.#findings.accept(wrongType('a name', node), node.span);
    } else if (shape.kind === 'struct') {
      const paths = readPath(shape, node.text).map((rest) => [...path, ...rest]);
      if (paths.length > 0) this.#select(paths, node);
      else
        this.#findings.error('VSE020', `'${shorten(node.text)}' is not an option`, {
          span: node.span,
          hint: pathHint(shape, node.text),
        });
    } else if (shape.kind === 'set') {
      const read = shape.item.read(node, this.#surroundings);
      this.#select([[...path, 'value' in read ? String(read.value) : node.text]], node);
    } else {
      const rule = shape.kind === 'packages' ? PACKAGE : shape.key;
      const name = this.#findings.accept(rule.read(node.text), node.span);
      if (name !== undefined) this.#select([[...path, name]], node);
    }
  }

  #entry(shape: Struct | Record_, { key, keySpan, value }: MapEntry, path: Path): void {
    if (shape.kind === 'record') {
      const name = this.#findings.accept(shape.key.read(key), keySpan);
      if (name !== undefined) this.below(shape.of, value, [...path, name], true);
    } else if (Object.hasOwn(shape.fields, key)) {
      this.below(shape.fields[key]!, value, [...path, key]);
    } else {
      this.#findings.error('VSE020', `Unknown key '${shorten(key)}'`, {
        span: keySpan,
        hint: suggestion(key, Object.keys(shape.fields)),
      });
    }
  }
}

const isNothing = (node: Node): boolean => node.kind === 'scalar' && node.value === null;
/** `hostname:` or `hostname: true` names the option as a whole. */
const isWhole = (node: Node): boolean =>
  isNothing(node) || (node.kind === 'scalar' && node.value === true);

/** The statements of an `exclude` block. */
export function readExclusions(block: Node, findings: Findings): readonly ExcludeStatement[] {
  if (isWhole(block)) return [];
  if (block.kind !== 'map') {
    const hint = "Exclusions are of packages: 'exclude: {packages: [exim4-base]}'.";
    findings.accept(wrongType('a mapping', block, hint), block.span);
    return [];
  }
  const names: Node[] = [];
  for (const { key, keySpan, value } of block.entries) {
    if (key !== 'packages')
      findings.error('VSE020', `Unknown key '${shorten(key)}': only packages can be excluded`, {
        span: keySpan,
        hint: Object.hasOwn(OPTIONS.fields, key)
          ? "To take a lower layer's value away, use the remove block."
          : suggestion(key, ['packages']),
      });
    else if (value.kind === 'list') names.push(...value.items);
    else findings.accept(wrongType('a list', value), value.span);
  }
  return names.flatMap((item): ExcludeStatement[] => {
    const isName = item.kind === 'scalar' && item.value !== null;
    const reading = isName ? PACKAGE.read(item.text) : wrongType('a package name', item);
    const name = findings.accept(reading, item.span);
    return name === undefined ? [] : [{ type: 'exclude', name, span: item.span }];
  });
}
