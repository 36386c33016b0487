/**
 * How the rooms tell what they are doing. They know this abstract report and no console;
 * `cli/` turns the events into bars, lines or JSON.
 */
import type { Diagnostic } from './diagnostic.ts';

export type ReportEvent =
  | {
      readonly type: 'start';
      /** Unique while the task runs, e.g. `fetch` or `stage:1:configure`. */
      readonly task: string;
      readonly label: string;
      /** Amount of work, when known. */
      readonly total?: number;
      readonly unit?: 'bytes' | 'items';
    }
  | {
      readonly type: 'advance';
      readonly task: string;
      /** Work done so far (absolute, not a difference). */
      readonly done: number;
      readonly total?: number;
      /** What is being worked on now. */
      readonly detail?: string;
    }
  | {
      readonly type: 'end';
      readonly task: string;
      readonly seconds: number;
      /** Did the work succeed? */
      readonly ok: boolean;
      /** One short remark for the summary, e.g. `188 packages, 139 MB`. */
      readonly detail?: string;
    }
  | { readonly type: 'log'; readonly level: 'info' | 'debug'; readonly message: string }
  | { readonly type: 'diagnostic'; readonly diagnostic: Diagnostic };

export type Report = (event: ReportEvent) => void;

/** What every stage that does work on the outside world is given. */
export interface Context {
  readonly report: Report;
  /** Aborted on Ctrl-C; every wait and child process obeys it. */
  readonly signal: AbortSignal;
  /** Absolute path of vsec's cache (`$XDG_CACHE_HOME/vsec`). */
  readonly cacheDir: string;
  /** How many things may run at once. */
  readonly jobs: number;
  /** No network at all. */
  readonly offline: boolean;
  /** The environment that was given at the start; rooms do not read `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Runs `work` as a reported task; the task ends also when the work fails. */
export async function task<T>(
  report: Report,
  name: string,
  label: string,
  work: (advance: (done: number, total?: number, detail?: string) => void) => Promise<T>,
  options: {
    readonly total?: number;
    readonly unit?: 'bytes' | 'items';
    readonly summary?: (result: T) => string;
  } = {},
): Promise<T> {
  const started = performance.now();
  report({
    type: 'start',
    task: name,
    label,
    ...(options.total !== undefined && { total: options.total }),
    ...(options.unit && { unit: options.unit }),
  });
  let detail: string | undefined;
  let ok = false;
  try {
    const result = await work((done, total, what) =>
      report({
        type: 'advance',
        task: name,
        done,
        ...(total !== undefined && { total }),
        ...(what !== undefined && { detail: what }),
      }),
    );
    detail = options.summary?.(result);
    ok = true;
    return result;
  } finally {
    report({
      type: 'end',
      task: name,
      seconds: (performance.now() - started) / 1000,
      ok,
      ...(detail !== undefined && { detail }),
    });
  }
}
