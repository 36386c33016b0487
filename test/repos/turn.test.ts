/** One at a time: who waits, for whom, and what a killed build leaves. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeTurn } from '../../repos/turn.ts';
import { runName } from '../../repos/leftovers.ts';
import type { ReportEvent } from '../../vse/report.ts';

let cacheDir: string;
let events: ReportEvent[];
beforeEach(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'vsec-turn-'));
  events = [];
});
afterEach(() => rmSync(cacheDir, { recursive: true }));

const context = (signal = new AbortController().signal) => ({
  cacheDir,
  signal,
  report: (event: ReportEvent) => void events.push(event),
});
const never = (): boolean => false;

test('the second waits for the first, and says so', async () => {
  const end = await takeTurn('tree', never, context());
  expect(events).toEqual([]);
  let second = false;
  const waiting = takeTurn('tree', never, context()).then((done) => ((second = true), done()));
  await sleep(250);
  expect(second).toBe(false);
  expect(events).toMatchObject([{ type: 'start', label: expect.stringMatching(/^Waiting/) }]);
  end();
  await waiting;
  expect(readdirSync(join(cacheDir, 'turns'))).toEqual([]);
});

test('no more than one has the turn, of twenty that come at once', async () => {
  let [now, most] = [0, 0];
  const one = async (): Promise<void> => {
    const end = await takeTurn('tree', never, context());
    most = Math.max(most, ++now);
    await sleep(5);
    now--;
    end();
  };
  await Promise.all(Array.from({ length: 20 }, one));
  expect(most).toBe(1);
});

test('nobody waits for what is made, or for something else', async () => {
  await takeTurn('tree', never, context());
  let made = false;
  const waiting = takeTurn('tree', () => made, context());
  await takeTurn('another', never, context());
  made = true;
  (await waiting)();
  // The end of a turn that was none leaves the other's alone.
  expect(existsSync(join(cacheDir, 'turns', 'tree'))).toBe(true);
});

test('a killed build keeps nobody waiting, nor does one of another machine', async () => {
  mkdirSync(join(cacheDir, 'turns'));
  const { pid } = spawnSync('true');
  const dead = runName().replace(/^\d+/, String(pid));
  const elsewhere = runName().replace(/-[0-9a-f]{8}-/, '-00000000-');
  for (const holder of [dead, elsewhere, 'no name of a run', '']) {
    writeFileSync(join(cacheDir, 'turns', 'tree'), holder);
    (await takeTurn('tree', never, context()))();
    expect(events).toEqual([]);
  }
});

test('a cache that cannot be written is no reason to wait', async () => {
  writeFileSync(join(cacheDir, 'turns'), 'a file');
  (await takeTurn('tree', never, context()))();
  expect(events).toEqual([]);
});

test('Ctrl-C ends the waiting', async () => {
  await takeTurn('tree', never, context());
  const stop = new AbortController();
  const waiting = takeTurn('tree', never, context(stop.signal));
  stop.abort(new Error('Ctrl-C'));
  await expect(waiting).rejects.toThrow();
});
