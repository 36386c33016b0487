/** Where the rooms' events go: bars on a terminal, plain lines, JSON lines, or diagnostics alone. */
import type { ReportEvent } from '../../vse/report.ts';
import { renderDiagnostic } from '../diagnostics.ts';
import { printable } from '../format.ts';
import type { ProgressKind } from '../options.ts';
import type { Colors, Env } from '../terminal.ts';
import { jsonProgress } from './json.ts';
import { plainProgress } from './plain.ts';
import { ttyProgress } from './tty.ts';

export interface Progress {
  event(event: ReportEvent): void;
  /** A line that is shown whatever was asked for: part of an error's message. */
  insist(text: string): void;
  /** Lets `write` have the terminal for a moment. */
  aside(write: () => void): void;
  /** Leaves the terminal as it was found; may be called twice. */
  close(): void;
}

/** As much of a writable stream as the renderers use. */
export interface Screen {
  write(text: string): unknown;
  readonly columns?: number;
  readonly rows?: number;
  readonly isTTY?: boolean;
}

export interface ProgressSettings {
  readonly kind: ProgressKind;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly env: Env;
  readonly colors: Colors;
  readonly cwd: string;
  readonly stream: Screen;
  /** Milliseconds; replaced in tests. */
  readonly now?: () => number;
}

/** The text of a `log` or `diagnostic` event, or undefined when it is not to be shown. */
export function eventText(event: ReportEvent, settings: ProgressSettings): string | undefined {
  if (event.type === 'diagnostic') {
    if (settings.quiet && event.diagnostic.severity !== 'error') return undefined;
    return renderDiagnostic(event.diagnostic, settings);
  }
  if (event.type !== 'log') return undefined;
  if (settings.quiet || (event.level === 'debug' && !settings.verbose)) return undefined;
  return printable(event.message);
}

function silentProgress(settings: ProgressSettings): Progress {
  return {
    event(event) {
      const text = eventText(event, settings);
      if (text !== undefined) settings.stream.write(`${text}\n`);
    },
    insist: (text) => void settings.stream.write(`${text}\n`),
    aside: (write) => write(),
    close: () => undefined,
  };
}

/** `auto` becomes bars on a terminal that can show them, and plain lines elsewhere and in CI. */
export function createProgress(settings: ProgressSettings): Progress {
  const { kind, env, stream } = settings;
  if (kind === 'json') return jsonProgress(settings);
  if (kind === 'none' || settings.quiet) return silentProgress(settings);
  const capable = stream.isTTY === true && !env['CI'] && env['TERM'] !== 'dumb';
  if (kind === 'tty' || (kind === 'auto' && capable)) return ttyProgress(settings);
  return plainProgress(settings);
}
