/** Live bars: one line per running task, redrawn in place, at most ten times a second. */
import { formatBytes, formatSeconds, printable } from '../format.ts';
import { eventText, type Progress, type ProgressSettings } from './progress.ts';
import { RateMeter } from './rate.ts';

const INTERVAL_MS = 100;
const BAR_CELLS = 20;
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** Tasks that were shorter than this and have nothing to say leave no line behind. */
const WORTH_A_LINE_S = 0.5;

interface Task {
  readonly label: string;
  readonly bytes: boolean;
  readonly startedAt: number;
  readonly meter: RateMeter;
  total: number | undefined;
  done: number;
  detail: string | undefined;
}

interface Glyphs {
  readonly spinner: readonly string[];
  readonly full: string;
  readonly empty: string;
  readonly ended: string;
}

const UNICODE: Glyphs = { spinner: [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'], full: '█', empty: '░', ended: '•' };
const ASCII: Glyphs = { spinner: ['|', '/', '-', '\\'], full: '#', empty: '.', ended: '*' };

function glyphs(settings: ProgressSettings): Glyphs {
  const { env } = settings;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return /utf-?8/i.test(locale) ? UNICODE : ASCII;
}

/** `45 MB of 139 MB  12 MB/s  8 s left` */
function amounts(task: Task, now: number): string {
  const amount = (n: number) => (task.bytes ? formatBytes(n) : String(n));
  const parts: string[] = [];
  if (task.total !== undefined) parts.push(`${amount(task.done)} of ${amount(task.total)}`);
  else if (task.done > 0) parts.push(amount(task.done));
  const rate = task.meter.perSecond(now);
  if (rate > 0 && task.bytes) parts.push(`${formatBytes(rate)}/s`);
  if (rate > 0 && task.total !== undefined && now - task.startedAt > 1000) {
    const left = (task.total - task.done) / rate;
    if (left >= 1) parts.push(`${formatSeconds(left)} left`);
  }
  if (task.total === undefined) parts.push(formatSeconds((now - task.startedAt) / 1000));
  return parts.join('  ');
}

export function ttyProgress(settings: ProgressSettings): Progress {
  const { stream, colors: c } = settings;
  const now = settings.now ?? (() => performance.now());
  const g = glyphs(settings);
  const tasks = new Map<string, Task>();
  let drawn = 0;
  let turn = 0;
  let timer: NodeJS.Timeout | undefined;

  const line = (task: Task): string => {
    let bar = '';
    if (task.total !== undefined && task.total > 0) {
      const full = Math.round(BAR_CELLS * Math.min(1, task.done / task.total));
      bar = `${g.full.repeat(full)}${g.empty.repeat(BAR_CELLS - full)}  `;
    }
    const spin = g.spinner[turn % g.spinner.length];
    const text = `${spin} ${task.label}  ${bar}${amounts(task, now())}  ${task.detail ?? ''}`;
    return printable(text);
  };
  const erase = (): string => (drawn > 0 ? `\u001b[${drawn}A\r\u001b[J` : '');
  const clear = (): void => {
    if (drawn > 0) stream.write(erase());
    drawn = 0;
  };
  const draw = (): void => {
    turn++;
    const room = Math.max(1, Math.min(8, (stream.rows || 24) - 3));
    const shown = [...tasks.values()].slice(0, room).map(line);
    if (tasks.size > room) shown.push(`  and ${tasks.size - room} more`);
    const width = Math.max(10, (stream.columns || 80) - 1);
    stream.write(erase() + shown.map((text) => `${text.slice(0, width)}\n`).join(''));
    drawn = shown.length;
  };
  const start = (): void => {
    if (timer) return;
    stream.write(HIDE_CURSOR);
    timer = setInterval(draw, INTERVAL_MS);
    timer.unref();
  };
  const stop = (): void => {
    clear();
    if (!timer) return;
    clearInterval(timer);
    timer = undefined;
    stream.write(SHOW_CURSOR);
  };
  const above = (text: string): void => {
    clear();
    stream.write(`${text}\n`);
  };

  return {
    event(event) {
      if (event.type === 'start') {
        const { label, total, unit } = event;
        const at = now();
        tasks.set(event.task, {
          ...{ label, total, bytes: unit === 'bytes', startedAt: at },
          ...{ meter: new RateMeter(at), done: 0, detail: undefined },
        });
        start();
      } else if (event.type === 'advance') {
        const task = tasks.get(event.task);
        if (!task) return;
        task.done = event.done;
        task.total = event.total ?? task.total;
        task.detail = event.detail ?? task.detail;
        task.meter.add(now(), event.done);
      } else if (event.type === 'end') {
        const label = tasks.get(event.task)?.label ?? event.task;
        tasks.delete(event.task);
        if (!event.ok || event.detail !== undefined || event.seconds >= WORTH_A_LINE_S) {
          const detail = event.detail ? `  ${event.detail}` : '';
          const time = `${event.ok ? '' : 'stopped after '}${formatSeconds(event.seconds)}`;
          const text = printable(`${label}  ${time}${detail}`);
          above(`${c.dim(g.ended)} ${text}`);
        }
        if (tasks.size === 0) stop();
      } else {
        const text = eventText(event, settings);
        if (text !== undefined) above(text);
      }
    },
    insist: above,
    aside(write) {
      clear();
      write();
    },
    close: stop,
  };
}
