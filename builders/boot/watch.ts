/** Watching a guest until it is up or it is clear that it will not be. */
import type { Report } from '../../vse/report.ts';
import { Console } from './console.ts';
import type { ProcessCommand, ProcessEnd } from './guest-process.ts';
import { GuestProcess } from './guest-process.ts';
import type { GuestReport } from './guest-report.ts';
import { GuestReportReader } from './guest-report.ts';
import type { Trouble } from './trouble.ts';
import { troubleIn } from './trouble.ts';

/** Milliseconds. */
export interface Patience {
  /** From the start to the guest's report. */
  readonly total: number;
  /** From the start to the first output. */
  readonly firstOutput: number;
  /** Between two outputs; not limited when absent. */
  readonly output?: number;
  /** What a guest may still say after a sign of trouble. */
  readonly afterTrouble: number;
}

/** The end of a host that was up, while a guest started in it. */
export interface HostLoss {
  readonly end: ProcessEnd;
  /** What it and its hypervisor said last. */
  readonly last: readonly string[];
}

export type Ending =
  | { readonly kind: 'no-host'; readonly host: Ending }
  | { readonly kind: 'host-lost'; readonly host: HostLoss }
  | { readonly kind: 'up'; readonly report: GuestReport }
  | { readonly kind: 'trouble'; readonly trouble: Trouble }
  | { readonly kind: 'exited'; readonly end: ProcessEnd; readonly stderr: string }
  | { readonly kind: 'not-started'; readonly reason: string }
  | { readonly kind: 'silent'; readonly spoke: boolean; readonly seen?: HostView }
  | { readonly kind: 'timeout'; readonly quiet: number; readonly seen?: HostView };

/** What the host of a guest shows of it, in lines; nothing where the host does not answer. */
export type HostView = readonly string[];

export interface Watched {
  readonly ending: Ending;
  /** From the start of the process to its ending, in seconds. */
  readonly seconds: number;
  readonly console: Console;
  /** Still running when the ending is `up`: whoever called stops it. */
  readonly guest: GuestProcess;
}

/**
 * Starts a guest and waits for its end or its report. The process is stopped and reaped before
 * this returns, unless the guest is up. Rejects when `signal` is aborted.
 */
export async function watchGuest(
  command: ProcessCommand,
  patience: Patience,
  report: Report,
  signal: AbortSignal,
  keep: (chunk: Buffer) => void = () => undefined,
): Promise<Watched> {
  signal.throwIfAborted();
  const started = performance.now();
  const text = new Console();
  const reader = new GuestReportReader();
  const settle = settleable<Ending>();
  const timers = new Set<NodeJS.Timeout>();
  let lastOutput = started;
  let silence: NodeJS.Timeout | undefined;
  let trouble: Trouble | undefined;

  const giveUp = (ending: Ending): void =>
    settle.resolve(trouble ? { kind: 'trouble', trouble } : ending);
  const after = (milliseconds: number, ending: () => Ending): NodeJS.Timeout => {
    const timer = setTimeout(() => giveUp(ending()), milliseconds);
    timers.add(timer);
    return timer;
  };
  const onOutput = (chunk: Buffer): void => {
    keep(chunk);
    lastOutput = performance.now();
    if (silence) timers.delete(silence);
    clearTimeout(silence);
    if (patience.output !== undefined)
      silence = after(patience.output, () => ({ kind: 'silent', spoke: true }));
    for (const line of text.feed(chunk)) {
      report({ type: 'log', level: 'debug', message: line });
      const whole = reader.take(line);
      if (whole) settle.resolve({ kind: 'up', report: whole });
      else noticeTrouble(line);
    }
    noticeTrouble(text.current);
  };
  const noticeTrouble = (line: string): void => {
    const found = trouble ? undefined : troubleIn(line);
    if (!found) return;
    trouble = found;
    after(patience.afterTrouble, () => ({ kind: 'trouble', trouble: found }));
  };
  const onAbort = (): void => settle.reject(signal.reason);

  const guest = new GuestProcess(command, onOutput);
  guest.ended.then(
    (end) => giveUp({ kind: 'exited', end, stderr: guest.stderr }),
    (problem: unknown) =>
      settle.resolve({ kind: 'not-started', reason: (problem as Error).message }),
  );
  signal.addEventListener('abort', onAbort, { once: true });
  after(patience.total, () => ({ kind: 'timeout', quiet: performance.now() - lastOutput }));
  silence = after(patience.firstOutput, () => ({ kind: 'silent', spoke: false }));

  let up = false;
  try {
    const ending = await settle.promise;
    up = ending.kind === 'up';
    return { ending, seconds: (performance.now() - started) / 1000, console: text, guest };
  } finally {
    signal.removeEventListener('abort', onAbort);
    timers.forEach((timer) => clearTimeout(timer));
    if (!up) await guest.stop();
  }
}

/** A promise and its ends. */
function settleable<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
