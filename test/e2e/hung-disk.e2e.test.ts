/** A build that is killed while its disk does not answer: who is left, and for how long? */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cacheWithoutTrees } from './support/cache.ts';
import { lockLayer } from './support/environment.ts';
import { copyProgram } from './support/program-copy.ts';
import { isRoot } from './support/programs.ts';
import { heldAndFree, processesAfter, run } from './support/runs.ts';
import type { Line } from './support/runs.ts';

const LAYER = `vse: 1
name: hung
version: 1.0.0
extends: debian-12-repositories
add:
  packages: [hello]
`;

const scratch = mkdtempSync(join(tmpdir(), 'vsec-hung-'));
const cache = join(scratch, 'cache');
const work = join(cache, 'work');
let program: string;
let layer: string;
let mounted = false;

beforeAll(async () => {
  if (!isRoot) return;
  ({ path: layer } = await lockLayer(scratch, 'hung', LAYER));
  program = copyProgram(join(scratch, 'program'));
  cacheWithoutTrees(cache);
  mkdirSync(work, { recursive: true });
  const disk = join(scratch, 'disk');
  writeFileSync(disk, '');
  truncateSync(disk, 2 ** 31);
  execFileSync('mkfs.ext4', ['-q', disk]);
  mounted = spawnSync('mount', ['-o', 'loop', disk, work]).status === 0;
});

afterAll(() => {
  if (mounted) execFileSync('umount', [work]);
  rmSync(scratch, { recursive: true, force: true });
});

test('killed outright: what the disk holds ends with the wait, all else at once (needs root)', async (context) => {
  if (!mounted) context.skip('no disk can be mounted here');
  const freeze = (line: Line): boolean => {
    const now = line.type === 'advance' && /^[1-9]\d* set up/.test(line.detail ?? '');
    if (now) execFileSync('fsfreeze', ['--freeze', work]);
    return now;
  };
  const args = ['build', layer, '--locked', '--format', 'tar', '--sandbox', 'chroot'];
  const settings = { program, cache, stop: { when: freeze, signal: 'SIGKILL' } } as const;
  const killed = await run([...args, '-O', join(scratch, 'out')], settings);
  expect([killed.stopped, killed.signal], killed.chatter).toEqual([true, 'SIGKILL']);
  try {
    for (let i = 0; i < 50 && heldAndFree(scratch).free.length > 0; i++) await sleep(200);
    const { held, free } = heldAndFree(scratch);
    expect(free).toEqual([]);
    expect(held.length, held.join('\n')).toBeLessThanOrEqual(2);
  } finally {
    execFileSync('fsfreeze', ['--unfreeze', work]);
  }
  expect(await processesAfter(5, scratch)).toEqual([]);
});
