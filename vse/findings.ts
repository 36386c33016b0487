/** Collects the diagnostics of one pass, so that one run reports as many as it can find. */
import { error, warning } from './diagnostic.ts';
import type { Diagnostic, DiagnosticDetails, Span } from './diagnostic.ts';
import { problemsOf } from './shape.ts';
import type { Reading } from './shape.ts';

/** After this many errors a pass stops looking: nobody reads further, and input may be hostile. */
const LIMIT = 100;

export class Findings {
  readonly #found: Diagnostic[] = [];
  #errors = 0;

  error(code: string, message: string, details: DiagnosticDetails = {}): void {
    if (!this.full) this.#found.push(error(code, message, details));
    this.#errors += 1;
  }

  warning(code: string, message: string, details: DiagnosticDetails = {}): void {
    if (!this.full) this.#found.push(warning(code, message, details));
  }

  /** What was read at `span`, or undefined with its problems reported. */
  accept<T>(reading: Reading<T>, span: Span): T | undefined {
    if ('value' in reading) return reading.value;
    for (const { code, message, hint, node } of problemsOf(reading))
      this.error(code, message, { span: node?.span ?? span, hint });
    return undefined;
  }

  /**
   * In reading order: file by file as something was found in them, each from top to bottom; what
   * has no place, together.
   */
  get list(): readonly Diagnostic[] {
    const files = [...new Set(this.#found.map(({ span }) => span?.file))];
    return files.flatMap((file) =>
      this.#found
        .filter(({ span }) => span?.file === file)
        .sort(
          ({ span: a }, { span: b }) =>
            (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0),
        ),
    );
  }

  get failed(): boolean {
    return this.#errors > 0;
  }

  get full(): boolean {
    return this.#errors >= LIMIT;
  }
}
