import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sideBySide, together } from '../../repos/together.ts';

const { signal } = new AbortController();

test('results are in the order of the items, and no more run at once than asked', async () => {
  let [running, most] = [0, 0];
  const results = await together([30, 1, 20, 2], 2, signal, async (delay) => {
    most = Math.max(most, ++running);
    await sleep(delay);
    running--;
    return delay * 2;
  });
  expect(results).toEqual([60, 2, 40, 4]);
  expect(most).toBe(2);
});

test('the first failure stops the others, and is thrown when they have ended', async () => {
  const ended: number[] = [];
  const work = together([1, 2, 3], 2, signal, async (item, either) => {
    if (item === 1) throw new Error('first');
    try {
      await sleep(60_000, undefined, { signal: either });
    } finally {
      ended.push(item);
    }
  });
  await expect(work).rejects.toThrow('first');
  expect(ended).toEqual([2]);
});

test('it ends only when everything has ended, also after a failure', async () => {
  let ended = false;
  const work = together([1, 2], 2, signal, async (item) => {
    if (item === 1) throw new Error('first');
    await sleep(50);
    ended = true;
  });
  await expect(work).rejects.toThrow('first');
  expect(ended).toBe(true);
});

test('an abort from outside is its own reason', async () => {
  const stop = new AbortController();
  const work = together([1], 1, stop.signal, (_item, either) =>
    sleep(60_000, undefined, { signal: either }),
  );
  stop.abort(new Error('Ctrl-C'));
  await expect(work).rejects.toThrow('Ctrl-C');
});

test('nothing to do', async () => {
  expect(await together([], 3, signal, () => Promise.reject(new Error('never')))).toEqual([]);
});

test('works of different kinds, side by side', async () => {
  const [number, text] = await sideBySide(signal, [async () => 1, async () => 'two']);
  expect([number + 1, text.length]).toEqual([2, 3]);
});
