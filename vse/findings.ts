/** Collects the diagnostics of one pass, so that one run reports as many as it can find. */
import { error, warning } from './diagnostic.ts';
import type { Diagnostic, DiagnosticDetails } from './diagnostic.ts';

/** After this many errors a pass stops looking: nobody reads further, and input may be hostile. */
const LIMIT = 100;

export class Findings {
  readonly list: Diagnostic[] = [];
  #errors = 0;

  error(code: string, message: string, details: DiagnosticDetails = {}): void {
    if (!this.full) this.list.push(error(code, message, details));
    this.#errors += 1;
  }

  warning(code: string, message: string, details: DiagnosticDetails = {}): void {
    if (!this.full) this.list.push(warning(code, message, details));
  }

  get failed(): boolean {
    return this.#errors > 0;
  }

  get full(): boolean {
    return this.#errors >= LIMIT;
  }
}
