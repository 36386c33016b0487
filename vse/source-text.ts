/** A layer's text with what is needed to point into it. */
import type { Span } from './diagnostic.ts';

export interface SourceText {
  /** As shown to people: a path, or `base:debian-12` for a shipped base. */
  readonly file: string;
  readonly text: string;
  /** Offset of the first character of every line. */
  readonly lineStarts: readonly number[];
}

export function sourceText(file: string, text: string): SourceText {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1))
    lineStarts.push(at + 1);
  return { file, text, lineStarts };
}

/** Index of the line that holds `offset`, counting from 0. */
function lineIndex(source: SourceText, offset: number): number {
  let low = 0;
  let high = source.lineStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (source.lineStarts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

function lineText(source: SourceText, index: number): string {
  const end = (source.lineStarts[index + 1] ?? source.text.length + 1) - 1;
  const start = source.lineStarts[index]!;
  return source.text.slice(start, end > start && source.text[end - 1] === '\r' ? end - 1 : end);
}

/**
 * The place from `start` to `end` (offsets, end exclusive). Columns count UTF-16 code units.
 * What runs over several lines is cut at the end of its first.
 */
export function spanOf(source: SourceText, start: number, end = start): Span {
  const clipped = Math.max(0, Math.min(start, source.text.length));
  const index = lineIndex(source, clipped);
  const text = lineText(source, index);
  // A place behind the carriage return of a line's end counts as the line's end.
  const column = Math.min(clipped - source.lineStarts[index]!, text.length) + 1;
  const endColumn = Math.min(end - source.lineStarts[index]! + 1, text.length + 1);
  return {
    file: source.file,
    line: index + 1,
    column,
    ...(endColumn > column && { endColumn }),
    text,
  };
}
