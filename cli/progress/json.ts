/** One JSON object per line: the events as they are, diagnostics in their documented form. */
import { toJson } from '../diagnostics.ts';
import type { Progress, ProgressSettings } from './progress.ts';

/** At most one `advance` per task in this time. */
const INTERVAL_MS = 100;

export function jsonProgress(settings: ProgressSettings): Progress {
  const now = settings.now ?? (() => performance.now());
  const last = new Map<string, number>();
  const put = (value: unknown): void => void settings.stream.write(`${JSON.stringify(value)}\n`);
  return {
    event(event) {
      if (event.type === 'advance') {
        if (now() - (last.get(event.task) ?? -Infinity) < INTERVAL_MS) return;
        last.set(event.task, now());
      }
      if (event.type === 'end') last.delete(event.task);
      if (event.type === 'log' && event.level === 'debug' && !settings.verbose) return;
      if (event.type === 'diagnostic') put({ type: 'diagnostic', ...toJson(event.diagnostic) });
      else put(event);
    },
    insist: (message) => put({ type: 'log', level: 'info', message }),
    aside: (write) => write(),
    close: () => undefined,
  };
}
