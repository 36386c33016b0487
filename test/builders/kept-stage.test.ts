/** Trees of stages in the cache: found by their key, known by their digest. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  DamagedStage,
  checkStage,
  dropStage,
  keepStage,
  keptStage,
} from '../../builders/kept-stage.ts';
import type { KeptStage } from '../../builders/kept-stage.ts';
import type { ReportEvent } from '../../vse/report.ts';

const [KEY, OTHER] = ['a'.repeat(64), 'b'.repeat(64)];
const CONTENT = 'a tree';
const { signal } = new AbortController();
let cache = '';

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'vsec-stage-'));
  mkdirSync(join(cache, 'stages'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

async function keep(): Promise<KeptStage> {
  const partial = join(cache, 'stage.part');
  writeFileSync(partial, CONTENT);
  await keepStage(partial, join(cache, 'stages', KEY));
  expect(existsSync(partial)).toBe(false);
  return keptStage(cache, KEY) ?? expect.fail('it is not found');
}

test('it is found by the key of its stage, with the digest of its content', async () => {
  const { sha256 } = await keep();
  expect(sha256).toBe(createHash('sha256').update(CONTENT).digest('hex'));
  expect(keptStage(cache, OTHER)).toBeUndefined();
  expect(keptStage(join(cache, 'none'), KEY)).toBeUndefined();
});

test('a file without a digest in its name is no kept stage', () => {
  writeFileSync(join(cache, 'stages', `${KEY}.tar`), CONTENT);
  expect(keptStage(cache, KEY)).toBeUndefined();
});

test('one changed byte is found, and so is a stage that is gone', async () => {
  const stage = await keep();
  await expect(checkStage(stage, signal)).resolves.toBeUndefined();
  writeFileSync(stage.path, 'a treE');
  await expect(checkStage(stage, signal)).rejects.toThrow(DamagedStage);
  const events: ReportEvent[] = [];
  await dropStage(stage, 'the base', { report: (event) => events.push(event) });
  expect(events).toMatchObject([
    {
      diagnostic: {
        code: 'BUILD106',
        severity: 'warning',
        message: expect.stringContaining('tree of the base is'),
      },
    },
  ]);
  expect(existsSync(stage.path)).toBe(false);
  await expect(checkStage(stage, signal)).rejects.toThrow(DamagedStage);
});

test('what was begun with a damaged stage is not kept', async () => {
  const begun = await keep();
  writeFileSync(begun.path, 'a treE');
  const partial = join(cache, 'stage.part');
  writeFileSync(partial, 'a treE, and more');
  const kept = keepStage(partial, join(cache, 'stages', OTHER), begun);
  await expect(kept).rejects.toThrow(DamagedStage);
  expect(keptStage(cache, OTHER)).toBeUndefined();
});

test('an interrupted check says so', async () => {
  const stop = new AbortController();
  stop.abort(new Error('interrupted'));
  await expect(checkStage(await keep(), stop.signal)).rejects.toThrow('interrupted');
});
