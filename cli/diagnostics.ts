/** Diagnostics for people (code, place, source line, caret, notes, hint) and for programs (JSON). */
import { isAbsolute, relative } from 'node:path';
import type { Diagnostic, Severity, Span } from '../vse/diagnostic.ts';
import { printable } from './format.ts';
import type { Colors } from './terminal.ts';

/** The longest part of a source line that is shown. */
const FRAME_WIDTH = 100;

export interface RenderOptions {
  readonly colors: Colors;
  /** Paths below it are shown relative to it. */
  readonly cwd: string;
}

/** The document that outside programs rely on; see docs/formats.md. */
export interface JsonDiagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly hint: string | null;
  readonly notes: readonly {
    readonly message: string;
    readonly file: string | null;
    readonly line: number | null;
    readonly column: number | null;
  }[];
}

const place = (span: Span | undefined) => ({
  file: span?.file ?? null,
  line: span?.line ?? null,
  column: span?.column ?? null,
});

export const toJson = (d: Diagnostic): JsonDiagnostic => ({
  code: d.code,
  severity: d.severity,
  message: d.message,
  ...place(d.span),
  hint: d.hint ?? null,
  notes: d.notes.map((note) => ({ message: note.message, ...place(note.span) })),
});

function shownPath(file: string, cwd: string): string {
  if (!isAbsolute(file)) return printable(file);
  const short = relative(cwd, file);
  return printable(short.startsWith('..') ? file : short);
}

const shownPlace = (span: Span, cwd: string): string =>
  `${shownPath(span.file, cwd)}:${span.line}:${span.column}`;

/** Source line and caret; lines that are too long are cut around the caret. */
function frame(span: Span, paint: (text: string) => string, c: Colors): string[] {
  if (span.text === undefined) return [];
  const start = Math.max(0, span.column - 1);
  const end = Math.max(start + 1, (span.endColumn ?? start + 2) - 1);
  const from = start > FRAME_WIDTH - 20 ? start - 40 : 0;
  const cut = span.text.slice(from, from + FRAME_WIDTH);
  const cells = [...Array(cut.length).keys()].map((i) => {
    const shown = cut[i] === '\t' ? '    ' : printable(cut[i] ?? '');
    return { shown, marked: from + i >= start && from + i < end };
  });
  const line =
    (from > 0 ? '…' : '') +
    cells.map((cell) => cell.shown).join('') +
    (from + FRAME_WIDTH < span.text.length ? '…' : '');
  const before = cells.slice(0, Math.max(0, start - from)).reduce((n, x) => n + x.shown.length, 0);
  const marked = cells.filter((cell) => cell.marked).reduce((n, cell) => n + cell.shown.length, 0);
  const gutter = String(span.line);
  const pad = ' '.repeat(gutter.length);
  const indent = ' '.repeat(before + (from > 0 ? 1 : 0));
  return [
    `  ${c.dim(`${gutter} |`)} ${line}`,
    `  ${c.dim(`${pad} |`)} ${indent}${paint('^'.repeat(Math.max(1, marked)))}`,
  ];
}

/** Continuation lines of a text of several lines stand below its first. */
const hang = (text: string, indent: number): string =>
  printable(text)
    .split('\n')
    .join(`\n${' '.repeat(indent)}`);

/** A diagnostic as lines of text, without a newline at the end. */
export function renderDiagnostic(d: Diagnostic, { colors: c, cwd }: RenderOptions): string {
  const paint = { error: c.red, warning: c.yellow, info: c.cyan }[d.severity];
  const where = d.span ? `${c.bold(shownPlace(d.span, cwd))}: ` : '';
  const lines = [`${where}${paint(`${d.severity}[${d.code}]`)}: ${c.bold(hang(d.message, 2))}`];
  if (d.span) lines.push(...frame(d.span, paint, c));
  for (const note of d.notes) {
    const at = note.span ? `${shownPlace(note.span, cwd)}: ` : '';
    lines.push(`  ${c.cyan('note')}: ${at}${hang(note.message, 8)}`);
    if (note.span) lines.push(...frame(note.span, c.cyan, c));
  }
  if (d.hint !== undefined) lines.push(`  ${c.green('hint')}: ${hang(d.hint, 8)}`);
  return lines.join('\n');
}
