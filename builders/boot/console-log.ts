/** A file that receives the whole console, as it comes. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { failure, warning } from '../../vse/diagnostic.ts';
import type { Report } from '../../vse/report.ts';

const reason = (problem: unknown): string =>
  (problem as NodeJS.ErrnoException).code ?? String(problem);

export class ConsoleLog {
  private readonly path: string | undefined;
  private readonly report: Report;
  private file: number | undefined;

  /** Keeps nothing when `path` is undefined; BOOT007 when the file cannot be written. */
  constructor(path: string | undefined, report: Report) {
    this.path = path;
    this.report = report;
    if (path === undefined) return;
    try {
      this.file = openSync(path, 'w');
    } catch (problem) {
      throw failure('BOOT007', `cannot write the console to ${path}: ${reason(problem)}`, {
        hint: 'name another file with --console-log',
      });
    }
  }

  /** Never throws: a full disk cuts the log short, with a warning, and not the boot. */
  write(chunk: Buffer): void {
    if (this.file === undefined) return;
    try {
      writeSync(this.file, chunk);
    } catch (problem) {
      const message = `${this.path} ends before the console does: ${reason(problem)}`;
      this.report({ type: 'diagnostic', diagnostic: warning('BOOT008', message) });
      this.close();
    }
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
  }
}
