/**
 * Diagnostics are values: what went wrong, where, why, and what to do next.
 * Every room reports with them; only `cli/` prints them.
 */

/** A place in a text file. Lines and columns count from 1. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Column just past the end on the same line; absent when only a point is known. */
  readonly endColumn?: number;
  /** The whole source line, for the caret view. */
  readonly text?: string;
}

export type Severity = 'error' | 'warning' | 'info';

/** A remark that supports a diagnostic, often pointing at a second place. */
export interface Note {
  readonly message: string;
  readonly span?: Span;
}

export interface Diagnostic {
  /** Stable code such as `VSE012`; see docs/diagnostics.md. Never reassigned. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly span?: Span;
  readonly notes: readonly Note[];
  /** What to do next. */
  readonly hint?: string;
}

export interface DiagnosticDetails {
  readonly span?: Span | undefined;
  readonly notes?: readonly Note[];
  readonly hint?: string | undefined;
}

/** A message is one line, whatever names it quotes. */
const oneLine = (message: string): string =>
  message.replace(/[\n\r\u2028\u2029]/g, (c) => JSON.stringify(c).slice(1, -1));

function make(
  severity: Severity,
  code: string,
  message: string,
  details: DiagnosticDetails,
): Diagnostic {
  return {
    code,
    severity,
    message: oneLine(message),
    notes: details.notes ?? [],
    ...(details.span && { span: details.span }),
    ...(details.hint !== undefined && { hint: details.hint }),
  };
}

export const error = (code: string, message: string, details: DiagnosticDetails = {}): Diagnostic =>
  make('error', code, message, details);
export const warning = (
  code: string,
  message: string,
  details: DiagnosticDetails = {},
): Diagnostic => make('warning', code, message, details);

/**
 * The one exception that carries diagnostics through the program.
 * `exitCode` 2: the description or the usage is wrong; 1: the work failed.
 */
export class VsecError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  readonly exitCode: 1 | 2;

  constructor(diagnostics: Diagnostic | readonly Diagnostic[], exitCode: 1 | 2 = 1) {
    const list = Array.isArray(diagnostics)
      ? (diagnostics as readonly Diagnostic[])
      : [diagnostics as Diagnostic];
    super(list.map((d) => `${d.code}: ${d.message}`).join('\n'));
    this.name = 'VsecError';
    this.diagnostics = list;
    this.exitCode = exitCode;
  }
}

/** Shorthand: an error of the work (exit code 1). */
export const failure = (
  code: string,
  message: string,
  details: DiagnosticDetails = {},
): VsecError => new VsecError(error(code, message, details), 1);

/** Shorthand: an error of the description or the usage (exit code 2). */
export const misuse = (code: string, message: string, details: DiagnosticDetails = {}): VsecError =>
  new VsecError(error(code, message, details), 2);
