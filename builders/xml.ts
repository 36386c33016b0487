/** Small XML documents as trees. */
import { SaxesParser } from 'saxes';
import type { SaxesTagPlain } from 'saxes';
import { misuse } from '../vse/diagnostic.ts';
import type { Span, VsecError } from '../vse/diagnostic.ts';

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** All character data directly inside, trimmed. */
  readonly text: string;
  readonly span: Span;
}

interface Growing extends XmlElement {
  readonly children: Growing[];
  text: string;
}

/** Nothing that people write by hand is nested like this. */
const DEEPEST = 32;

/**
 * Reads a document; BUILD490, with the place, when it is not well-formed. A document type is passed
 * over and not read: an entity that it defines is unknown, and nothing expands or is fetched.
 */
export function readXml(text: string, file: string): XmlElement {
  const parser = new SaxesParser();
  const lines = text.split('\n');
  const open: Growing[] = [];
  let root: Growing | undefined;
  let start: Span = { file, line: 1, column: 1 };
  const here = (): Span => {
    const source = lines[parser.line - 1];
    const column = Math.max(1, parser.column);
    return { file, line: parser.line, column, ...(source !== undefined && { text: source }) };
  };
  parser.on('error', (problem) => {
    throw notWellFormed(problem.message.replace(/^\d+:\d+: /, ''), here());
  });
  parser.on('opentagstart', () => {
    const { column, ...place } = here();
    const tag = place.text?.lastIndexOf('<', column) ?? -1;
    start = { ...place, column: tag < 0 ? column : tag + 1 };
  });
  parser.on('opentag', ({ name, attributes }: SaxesTagPlain) => {
    if (open.length >= DEEPEST) throw notWellFormed('nested too deeply', start);
    const element: Growing = { name, attributes, children: [], text: '', span: start };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  const onText = (more: string): void => {
    const element = open.at(-1);
    if (element) element.text += more;
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', () => {
    const element = open.pop();
    if (element) element.text = element.text.trim();
  });
  parser.write(text).close();
  if (!root) throw notWellFormed('no element', start);
  return root;
}

const notWellFormed = (reason: string, span: Span): VsecError =>
  misuse('BUILD490', `the document is no well-formed XML: ${reason}`, {
    span,
    hint: 'entities other than &amp; &lt; &gt; &quot; &apos; are not taken',
  });
