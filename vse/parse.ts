/** Text → nodes with places. YAML 1.2 core, one document, no tags; aliases within reason. */
import { Composer, Parser, isAlias, isCollection, isMap, isScalar, isSeq } from 'yaml';
import type { Document, ParsedNode, YAMLParseError } from 'yaml';
import type { Findings } from './findings.ts';
import { shorten } from './node.ts';
import type { MapEntry, MapNode, Node } from './node.ts';
import { spanOf } from './source-text.ts';
import type { SourceText } from './source-text.ts';

/** Nodes that aliases may multiply a document to. A layer of sane size never comes near. */
const MAX_ALIASED_NODES = 10_000;
const MAX_DEPTH = 64;

/** The one mapping that a layer is; undefined when it cannot be had, with the reason found. */
export function parse(source: SourceText, findings: Findings): MapNode | undefined {
  const documents = compose(source, findings);
  const document = documents?.[0];
  if (!documents || !document) return undefined;
  if (documents.length > 1) {
    const second = documents[1]!;
    findings.error('VSE010', 'A layer is one YAML document, and this file holds several', {
      span: spanOf(source, second.range[0], second.range[0] + 3),
      hint: "Put each layer into a file of its own and name the lower ones in 'extends'.",
    });
    return undefined;
  }
  if (reportErrors(document, source, findings)) return undefined;
  const root = document.contents;
  if (!root || (isScalar(root) && root.value === null)) {
    findings.error('VSE006', 'The file is empty: a layer is expected', {
      span: spanOf(source, 0),
      hint: "'vsec init' writes a starter layer.",
    });
    return undefined;
  }
  const tree = new Walk(source, document, findings).node(root, 0);
  if (!tree) return undefined;
  if (tree.kind !== 'map') {
    findings.error('VSE021', 'A layer is a mapping of keys to values', {
      span: tree.span,
      hint: "Begin with 'vse: 1' and 'name: …'; 'vsec init' writes a starter layer.",
    });
    return undefined;
  }
  return tree;
}

function compose(source: SourceText, findings: Findings): Document.Parsed[] | undefined {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    // The library compares every key with every other; Walk does it in linear time.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  try {
    const tokens = new Parser().parse(source.text);
    return [...composer.compose(tokens, true, source.text.length)] as Document.Parsed[];
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    tooDeep(source, 0, findings);
    return undefined;
  }
}

function tooDeep(source: SourceText, offset: number, findings: Findings): void {
  findings.error('VSE012', 'Nested too deeply for a layer', { span: spanOf(source, offset) });
}

/** Reports what the YAML library complains about, once per line; whether there was anything. */
function reportErrors(document: Document.Parsed, source: SourceText, findings: Findings): boolean {
  const lines = new Set<number>();
  for (const problem of document.errors) {
    const { line } = spanOf(source, problem.pos[0]);
    if (!lines.has(line)) reportError(problem, source, findings);
    lines.add(line);
  }
  const tags = document.warnings.filter((problem) => problem.code === 'TAG_RESOLVE_FAILED');
  for (const problem of tags)
    findings.error('VSE013', 'YAML tags are not part of the language', {
      span: spanOf(source, ...problem.pos),
      hint: 'Write the value without the tag.',
    });
  return document.errors.length + tags.length > 0;
}

function reportError(problem: YAMLParseError, source: SourceText, findings: Findings): void {
  if (problem.code === 'RESOURCE_EXHAUSTION') return tooDeep(source, problem.pos[0], findings);
  const span = spanOf(source, ...problem.pos);
  const indent = /^\s*/.exec(span.text ?? '')![0];
  if (problem.code === 'TAB_AS_INDENT' || indent.includes('\t')) {
    findings.error('VSE008', 'A tab is used as indentation, which YAML forbids', {
      span: {
        ...span,
        column: Math.max(1, indent.indexOf('\t') + 1),
        endColumn: indent.length + 1,
      },
      hint: 'Indent with spaces.',
    });
    return;
  }
  const message = problem.message.split('\n')[0]!.replace(/\.?$/, '');
  findings.error('VSE007', `This is not YAML: ${message}`, { span, hint: hintFor(problem) });
}

function hintFor(problem: YAMLParseError): string | undefined {
  if (problem.code === 'BLOCK_AS_IMPLICIT_KEY')
    return "A value that contains ': ' needs quotes; a deeper mapping needs a line of its own.";
  if (problem.code === 'BAD_SCALAR_START' || problem.code === 'BAD_PROP_ORDER')
    return 'Put the value into quotes.';
  return undefined;
}

class Walk {
  readonly #source: SourceText;
  readonly #document: Document.Parsed;
  readonly #findings: Findings;
  /** Aliases that are being expanded, to see one that contains itself. */
  readonly #open = new Set<unknown>();
  #aliased = 0;
  /** Where the outermost alias stands that is being expanded. */
  #aliasAt = 0;

  constructor(source: SourceText, document: Document.Parsed, findings: Findings) {
    this.#source = source;
    this.#document = document;
    this.#findings = findings;
  }

  /** Undefined when an error was found that makes the rest meaningless. */
  node(node: ParsedNode, depth: number): Node | undefined {
    const [start, end] = node.range;
    if (depth > MAX_DEPTH) return this.#stop(() => tooDeep(this.#source, start, this.#findings));
    if (this.#open.size > 0 && (this.#aliased += 1) > MAX_ALIASED_NODES)
      return this.#bomb('These YAML aliases multiply the document beyond reason');
    if (isAlias(node)) return this.#alias(node, depth);
    const span = spanOf(this.#source, start, end);
    if (isMap(node)) return this.#map(node as never, span, depth);
    if (isSeq(node)) {
      const items: Node[] = [];
      for (const item of node.items) {
        const child = this.node(item as ParsedNode, depth + 1);
        if (!child) return undefined;
        items.push(child);
      }
      return { kind: 'list', items, span };
    }
    const value = node.value as string | number | boolean | null;
    const text = typeof value === 'string' ? value : (node.source ?? String(value ?? ''));
    return { kind: 'scalar', value, text, span };
  }

  #alias(node: ParsedNode & { source: string }, depth: number): Node | undefined {
    const target = (node as unknown as { resolve(d: Document): unknown }).resolve(this.#document);
    if (!target)
      return this.#stop(() =>
        this.#findings.error('VSE007', `This is not YAML: no anchor '&${node.source}' above`, {
          span: spanOf(this.#source, ...(node.range.slice(0, 2) as [number, number])),
          hint: 'Text that begins with * needs quotes.',
        }),
      );
    if (this.#open.size === 0) this.#aliasAt = node.range[0];
    if (this.#open.has(target)) return this.#bomb('This YAML alias contains itself');
    this.#open.add(target);
    const result = this.node(target as ParsedNode, depth);
    this.#open.delete(target);
    return result;
  }

  #map(
    map: { items: { key: ParsedNode; value: ParsedNode | null }[] },
    span: Node['span'],
    depth: number,
  ): MapNode | undefined {
    const seen = new Map<string, Node['span']>();
    const entries: MapEntry[] = [];
    for (const { key, value } of map.items) {
      const [start, end] = key.range;
      const keySpan = spanOf(this.#source, start, end);
      const keyNode = isCollection(key) ? undefined : this.node(key, depth + 1);
      if (keyNode?.kind !== 'scalar' || keyNode.value === null) {
        this.#findings.error('VSE013', 'A key must be plain text', { span: keySpan });
        continue;
      }
      const name = keyNode.text;
      const first = seen.get(name);
      if (first) {
        this.#findings.error('VSE009', `The key '${shorten(name)}' is given twice`, {
          span: keySpan,
          notes: [{ message: 'first given here', span: first }],
          hint: 'Put both contents under one of them.',
        });
        continue;
      }
      seen.set(name, keySpan);
      const child: Node | undefined = value
        ? this.node(value, depth + 1)
        : { kind: 'scalar', value: null, text: '', span: keySpan };
      if (!child) return undefined;
      entries.push({ key: name, keySpan, value: child });
    }
    return { kind: 'map', entries, span };
  }

  #bomb(message: string): undefined {
    return this.#stop(() =>
      this.#findings.error('VSE011', message, {
        span: spanOf(this.#source, this.#aliasAt),
        hint: 'Write the values out, or share them through a layer.',
      }),
    );
  }

  #stop(report: () => void): undefined {
    report();
    return undefined;
  }
}
