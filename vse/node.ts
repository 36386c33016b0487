/** The tree of a YAML document as the compiler sees it: three kinds of nodes, all with places. */
import type { Span } from './diagnostic.ts';

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As written, without quotes: `0755` stays `0755`, `2.10` stays `2.10`. */
  readonly text: string;
  readonly span: Span;
}

export interface MapEntry {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: Node;
}

export interface MapNode {
  readonly kind: 'map';
  readonly entries: readonly MapEntry[];
  readonly span: Span;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly Node[];
  readonly span: Span;
}

export type Node = ScalarNode | MapNode | ListNode;

/** What a node is, for people: `a list`, `text`, `nothing`. */
export function describe(node: Node): string {
  if (node.kind === 'map') return 'a mapping';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'nothing';
  if (typeof node.value === 'string') return 'text';
  if (typeof node.value === 'boolean') return `the boolean ${node.text}`;
  return `the number ${node.text}`;
}

/** A value as a message shows it: as it was written, on one line, not too long. */
export function quote(node: Node): string {
  if (node.kind === 'map') return `{${node.entries.map((e) => e.key).join(', ')}}`;
  if (node.kind === 'list') return `[${node.items.map(quote).join(', ')}]`;
  return shorten(node.text);
}

export function shorten(text: string, length = 60): string {
  const line = [...text]
    .slice(0, length + 1)
    .map((c) => (c < ' ' || c === '\u007f' ? JSON.stringify(c).slice(1, -1) : c))
    .join('');
  return [...text].length > length ? `${line.slice(0, length - 1)}…` : line;
}
