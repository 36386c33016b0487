/** Lines for logs and CI: each task's start and end with times, and now and then how far it is. */
import { formatBytes, formatSeconds, printable } from '../format.ts';
import { eventText, type Progress, type ProgressSettings } from './progress.ts';

/** At most one line in this time while a task advances. */
const INTERVAL_MS = 5000;
/** Tasks that end sooner have one line, not two; much shorter ones that say nothing have none. */
const WORTH_A_START_MS = 1000;
const WORTH_A_LINE_S = 0.5;

interface Task {
  readonly label: string;
  readonly bytes: boolean;
  total: number | undefined;
  shownAt: number;
  readonly announce: NodeJS.Timeout;
}

export function plainProgress(settings: ProgressSettings): Progress {
  const now = settings.now ?? (() => performance.now());
  const started = now();
  const tasks = new Map<string, Task>();
  const put = (text: string): void => {
    const elapsed = ((now() - started) / 1000).toFixed(1).padStart(6);
    settings.stream.write(`[${elapsed} s] ${printable(text)}\n`);
  };
  return {
    event(event) {
      if (event.type === 'start') {
        const { label, total, unit } = event;
        const announce = setTimeout(() => put(`${label} ...`), WORTH_A_START_MS);
        announce.unref();
        tasks.set(event.task, { label, bytes: unit === 'bytes', total, shownAt: now(), announce });
      } else if (event.type === 'advance') {
        const task = tasks.get(event.task);
        if (!task || now() - task.shownAt < INTERVAL_MS) return;
        task.shownAt = now();
        task.total = event.total ?? task.total;
        const amount = (n: number) => (task.bytes ? formatBytes(n) : String(n));
        const of = task.total === undefined ? '' : ` of ${amount(task.total)}`;
        put(`${task.label}: ${amount(event.done)}${of}${event.detail ? `, ${event.detail}` : ''}`);
      } else if (event.type === 'end') {
        const task = tasks.get(event.task);
        clearTimeout(task?.announce);
        tasks.delete(event.task);
        if (event.ok && event.detail === undefined && event.seconds < WORTH_A_LINE_S) return;
        const label = task?.label ?? event.task;
        const time = `${event.ok ? '' : 'stopped after '}${formatSeconds(event.seconds)}`;
        put(`${label}: ${time}${event.detail ? `, ${event.detail}` : ''}`);
      } else {
        const text = eventText(event, settings);
        if (text !== undefined) settings.stream.write(`${text}\n`);
      }
    },
    insist: (text) => void settings.stream.write(`${text}\n`),
    aside: (write) => write(),
    close: () => tasks.forEach((task) => clearTimeout(task.announce)),
  };
}
