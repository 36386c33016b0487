/** One run of the program: its context, its streams, its way of showing things. */
import type { Diagnostic } from '../vse/diagnostic.ts';
import type { Context, Report } from '../vse/report.ts';
import { createContext } from './context.ts';
import type { ProgressKind } from './options.ts';
import { createProgress, type Progress } from './progress/progress.ts';
import { colors, wantsColor, type Colors, type Env } from './terminal.ts';

export interface Session {
  readonly context: Context;
  /** For results, on standard output. */
  readonly colors: Colors;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** A result, to standard output; ends with a newline. */
  print(text: string): void;
  printJson(value: unknown): void;
  /** For people, to standard error; not with `--quiet`, and not as a result. */
  say(text: string): void;
  /** Part of an error's message: to standard error, also with `--quiet`. */
  complain(text: string): void;
  diagnose(diagnostics: readonly Diagnostic[]): void;
  /** A report that shows what the rooms say for debugging, whatever was asked for. */
  readonly showingDetails: Report;
}

export interface SessionOptions {
  readonly progress?: ProgressKind | undefined;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly 'no-color'?: boolean;
  readonly 'cache-dir'?: string | undefined;
  readonly jobs?: number | undefined;
  readonly offline?: boolean;
}

/** What of `argv` matters for showing that `argv` itself is wrong. */
export const lenientOptions = (argv: readonly string[]): SessionOptions => ({
  'no-color': argv.includes('--no-color'),
  progress:
    argv.includes('--progress=json') || argv[argv.indexOf('--progress') + 1] === 'json'
      ? 'json'
      : 'none',
});

export function openProgress(options: SessionOptions, env: Env): Progress {
  return createProgress({
    kind: options.progress ?? 'auto',
    quiet: options.quiet ?? false,
    verbose: options.verbose ?? false,
    env,
    colors: colors(wantsColor(env, process.stderr.isTTY, options['no-color'] ?? false)),
    cwd: process.cwd(),
    stream: process.stderr,
  });
}

export function openSession(
  options: SessionOptions,
  env: Env,
  progress: Progress,
  signal: AbortSignal,
): Session {
  const context = createContext({
    report: (event) => progress.event(event),
    signal,
    env,
    cacheDir: options['cache-dir'],
    jobs: options.jobs,
    offline: options.offline,
  });
  const print = (text: string): void => {
    progress.aside(() => process.stdout.write(text.endsWith('\n') ? text : `${text}\n`));
  };
  return {
    context,
    colors: colors(wantsColor(env, process.stdout.isTTY, options['no-color'] ?? false)),
    quiet: options.quiet ?? false,
    verbose: options.verbose ?? false,
    print,
    printJson: (value) => print(JSON.stringify(value, null, 2)),
    say: (message) => progress.event({ type: 'log', level: 'info', message }),
    complain: (message) => progress.insist(message),
    showingDetails: (event) =>
      progress.event(event.type === 'log' ? { ...event, level: 'info' } : event),
    diagnose: (diagnostics) => {
      for (const diagnostic of diagnostics) progress.event({ type: 'diagnostic', diagnostic });
    },
  };
}
