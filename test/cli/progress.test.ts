import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProgressKind } from '../../cli/options.ts';
import { createProgress, type Progress } from '../../cli/progress/progress.ts';
import { RateMeter } from '../../cli/progress/rate.ts';
import { colors } from '../../cli/terminal.ts';
import { error, warning } from '../../vse/diagnostic.ts';

let clock = 0;
let written = '';

function open(
  kind: ProgressKind,
  more: { isTTY?: boolean; env?: object; quiet?: boolean; columns?: number } = {},
) {
  return createProgress({
    kind,
    quiet: more.quiet ?? false,
    verbose: false,
    env: { LANG: 'C.UTF-8', ...more.env },
    colors: colors(false),
    cwd: '/',
    stream: {
      isTTY: more.isTTY ?? false,
      columns: more.columns ?? 80,
      rows: 24,
      write: (text: string) => (written += text),
    },
    now: () => clock,
  });
}

function fetchEvents(progress: Progress): void {
  progress.event({ type: 'start', task: 'f', label: 'Fetching', total: 100e6, unit: 'bytes' });
  for (let i = 1; i <= 100; i++) {
    clock += 100;
    vi.advanceTimersByTime(100);
    progress.event({ type: 'advance', task: 'f', done: i * 1e6, detail: `p${i}` });
  }
  progress.event({ type: 'end', task: 'f', seconds: 10, ok: true, detail: '9 packages' });
}

/** What a terminal shows at the end, having obeyed cursor-up and erase-below. */
function finalScreen(text: string): string {
  const lines = [''];
  let row = 0;
  for (const part of text.match(/\u001b\[\??\d*[A-Za-z]|\n|\r|[^\u001b\n\r]+/g) ?? []) {
    if (part === '\n') lines[++row] ??= '';
    else if (part.endsWith('A') && part.startsWith('\u001b')) row -= Number(part.slice(2, -1));
    else if (part.endsWith('J')) lines.splice(row, Infinity, '');
    else if (!part.startsWith('\u001b') && part !== '\r') lines[row] += part;
  }
  return lines.join('\n');
}

beforeEach(() => {
  vi.useFakeTimers();
  clock = 0;
  written = '';
});
afterEach(() => vi.useRealTimers());

describe('plain', () => {
  it('says start, end, and where it is every five seconds', () => {
    fetchEvents(open('plain'));
    expect(written.split('\n')).toEqual([
      '[   1.0 s] Fetching ...',
      '[   5.0 s] Fetching: 50.0 MB of 100 MB, p50',
      '[  10.0 s] Fetching: 100 MB of 100 MB, p100',
      '[  10.0 s] Fetching: 10 s, 9 packages',
      '',
    ]);
  });
});

describe('plain, for what is short', () => {
  it('says nothing, or what came of it', () => {
    const progress = open('plain');
    for (const detail of [undefined, '3 packages']) {
      progress.event({ type: 'start', task: 'r', label: 'Resolving' });
      vi.advanceTimersByTime(100);
      progress.event({ type: 'end', task: 'r', seconds: 0.1, ok: true, ...(detail && { detail }) });
      vi.advanceTimersByTime(5000);
    }
    expect(written).toBe('[   0.0 s] Resolving: 0.1 s, 3 packages\n');
  });
});

describe('tty', () => {
  it('draws a bar with rate and time left, and leaves one line', () => {
    const progress = open('tty', { isTTY: true });
    fetchEvents(progress);
    progress.close();
    expect(written).toMatch(
      /Fetching {2}█+░+ {2}50\.0 MB of 100 MB {2}9\.\d+ MB\/s {2}5\.\d s left/,
    );
    expect(finalScreen(written)).toBe('• Fetching  10 s  9 packages\n');
  });

  it('redraws ten times a second at most', () => {
    fetchEvents(open('tty', { isTTY: true }));
    expect(written.split('Fetching').length - 1).toBeLessThanOrEqual(102);
  });

  it('gives the cursor back and clears the bars when it is closed in the middle', () => {
    const progress = open('tty', { isTTY: true });
    progress.event({ type: 'start', task: 'a', label: 'Unpacking' });
    vi.advanceTimersByTime(500);
    progress.close();
    progress.close();
    expect(finalScreen(written)).toBe('');
    expect(written.lastIndexOf('\u001b[?25h')).toBeGreaterThan(written.lastIndexOf('\u001b[?25l'));
  });

  it('keeps lines within the terminal and names what is hidden', () => {
    const progress = open('tty', { isTTY: true });
    for (let i = 0; i < 30; i++) {
      progress.event({ type: 'start', task: `t${i}`, label: `${'x'.repeat(200)}${i}` });
    }
    vi.advanceTimersByTime(150);
    const shown = finalScreen(written).split('\n');
    expect(shown.length).toBeLessThan(24);
    expect(Math.max(...shown.map((line) => line.length))).toBeLessThan(80);
    expect(written).toContain('22 more');
    progress.close();
  });

  it('takes a terminal that does not know its size for a common one', () => {
    const progress = open('tty', { isTTY: true, columns: 0 });
    progress.event({ type: 'start', task: 'a', label: 'Reading the indexes of debian' });
    vi.advanceTimersByTime(150);
    expect(finalScreen(written)).toContain('Reading the indexes of debian');
    progress.close();
  });

  it('writes diagnostics above the bars', () => {
    const progress = open('tty', { isTTY: true });
    progress.event({ type: 'start', task: 'a', label: 'Unpacking' });
    vi.advanceTimersByTime(150);
    progress.event({ type: 'diagnostic', diagnostic: warning('BUILD001', 'odd') });
    vi.advanceTimersByTime(150);
    expect(finalScreen(written)).toMatch(/^warning\[BUILD001\]: odd\n. Unpacking/);
    progress.close();
  });
});

describe('json', () => {
  it('is one object per line, diagnostics in the documented form', () => {
    const progress = open('json');
    fetchEvents(progress);
    progress.event({ type: 'diagnostic', diagnostic: error('VSE001', 'm') });
    const events = written
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(events[0]).toMatchObject({ type: 'start', task: 'f', total: 100e6 });
    expect(events.at(-2)).toMatchObject({ type: 'end', seconds: 10 });
    expect(events.at(-1)).toMatchObject({ type: 'diagnostic', code: 'VSE001', line: null });
  });
});

describe('the choice', () => {
  it.each([
    ['bars on a terminal', { isTTY: true }, /\u001b\[\?25l/],
    ['lines in CI', { isTTY: true, env: { CI: '1' } }, /^\[ {3}1\.0 s\] Fetching \.\.\.\n/],
    ['lines on a dumb terminal', { isTTY: true, env: { TERM: 'dumb' } }, /^\[ {3}1\.0 s\]/],
    ['lines in a file', {}, /^\[ {3}1\.0 s\] Fetching \.\.\.\n/],
    ['nothing when quiet', { isTTY: true, quiet: true }, /^$/],
  ])('%s', (_, more, expected) => {
    fetchEvents(open('auto', more));
    expect(written).toMatch(expected);
  });

  it('quiet keeps errors and drops warnings', () => {
    const progress = open('auto', { quiet: true });
    progress.event({ type: 'diagnostic', diagnostic: warning('A001', 'w') });
    progress.event({ type: 'diagnostic', diagnostic: error('A002', 'e') });
    expect(written).toBe('error[A002]: e\n');
  });
});

it('the rate is that of the last seconds', () => {
  const meter = new RateMeter(0);
  for (let t = 10; t <= 20_000; t += 10) meter.add(t, t <= 10_000 ? t * 5 : 50_000 + (t - 10_000));
  expect(meter.perSecond(20_000)).toBeCloseTo(1000, -2);
});
