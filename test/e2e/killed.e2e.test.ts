/**
 * Builds that are killed at moments that nobody chose, beside another build on the same cache.
 * `VSEC_KILLS` says how many; `VSEC_SEED` repeats a run's choices.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheWithoutTrees } from './support/cache.ts';
import { buildLayer, lockLayer } from './support/environment.ts';
import type { Built } from './support/environment.ts';
import { copyProgram } from './support/program-copy.ts';
import { leftAfter, run } from './support/runs.ts';
import type { Run } from './support/runs.ts';

const KILLS = Number(process.env['VSEC_KILLS'] ?? 5);
const SEED = Number(process.env['VSEC_SEED'] ?? Date.now() % 1_000_000);
/** So many kills to one build that is left alone. */
const BETWEEN = 10;

const layer = (name: string, more = ''): string =>
  `vse: 1\nname: ${name}\nversion: 1.0.0\nextends: debian-12-repositories\nadd:\n  packages: [hello]\n${more}`;
const OTHER = '  files:\n    /etc/other: { content: other }\n';
const FORMATS = ['tar', 'tar.zst'];

const scratch = mkdtempSync(join(tmpdir(), 'vsec-killed-'));
const cache = join(scratch, 'cache');
const out = join(scratch, 'out');
let program: string;
let paths: readonly [victim: string, beside: string];
let digests: readonly [victim: string, beside: string];
/** Milliseconds that a build takes which nobody kills. */
let whole = 0;

/** Numbers from 0 to 1, the same for the same seed (a linear congruential generator). */
function numbers(seed: number): () => number {
  let state = BigInt(seed);
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 33n) / 2 ** 31;
  };
}
const random = numbers(SEED);
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;

beforeAll(async () => {
  chmodSync(scratch, 0o755);
  const victim = (await lockLayer(scratch, 'victim', layer('victim'))).path;
  const beside = (await lockLayer(scratch, 'beside', layer('beside', OTHER))).path;
  paths = [victim, beside];
  const built: Built[] = [];
  for (const path of paths)
    built.push(await buildLayer(path, join(scratch, 'reference'), ['--format', 'tar']));
  digests = [built[0]!.manifest.rootfs.digest, built[1]!.manifest.rootfs.digest];
  program = copyProgram(join(scratch, 'program'));
  cacheWithoutTrees(cache);
  const started = performance.now();
  expect((await build(0, 'tar')).code).toBe(0);
  whole = performance.now() - started;
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const build = (which: 0 | 1, format: string, after?: number): Promise<Run> =>
  run(['build', paths[which], '--locked', '--json', '--format', format, '-O', out], {
    ...{ program, cache },
    ...(after !== undefined && { stop: { after, signal: 'SIGKILL' } }),
  });

/** Takes some of what was made or fetched out of the cache. */
function forget(): string {
  const kinds = pick([['rootfs'], ['rootfs', 'stages'], ['rootfs', 'stages', 'store']]);
  for (const kind of kinds)
    if (kind !== 'store') rmSync(join(cache, kind), { recursive: true, force: true });
    else
      for (const folder of readdirSync(join(cache, 'store/sha256')))
        if (random() < 0.1) rmSync(join(cache, 'store/sha256', folder), { recursive: true });
  if (random() < 0.05) rmSync(join(cache, 'toolbox'), { recursive: true, force: true });
  return kinds.join('+');
}

/** What is at a bundle's name is whole. */
function expectWhole(name: string): void {
  const bundle = join(out, `${name}_1.0.0_amd64`);
  if (!existsSync(bundle)) return;
  const { status, stdout } = spawnSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], {
    cwd: bundle,
    encoding: 'utf8',
  });
  expect(status, stdout).toBe(0);
}

function expectRight(which: 0 | 1, done: Run): void {
  expect(done.code, JSON.stringify(done.diagnostics)).toBe(0);
  expect((JSON.parse(done.stdout) as Built).manifest.rootfs.digest).toBe(digests[which]);
}

describe(`killed at ${KILLS} moments (VSEC_SEED=${SEED})`, () => {
  const hours = Math.ceil(KILLS / 60);
  test(
    'never a wrong result, and nothing is left that the next build does not take up',
    async () => {
      let dead = 0;
      for (let round = 0; dead < KILLS; round++) {
        const forgotten = forget();
        const moment = Math.floor(random() * whole);
        const format = pick(FORMATS);
        const beside = random() < 0.5 ? build(1, format) : undefined;
        const victim = await build(0, format, moment);
        const label = `round ${round}: without ${forgotten}, ${format}, at ${moment} ms`;
        if (victim.signal === 'SIGKILL') dead++;
        else expect(victim.code, label).toBe(0);
        expectWhole('victim');
        if (beside) expectRight(1, await beside);
        if (round % BETWEEN === BETWEEN - 1) expectRight(0, await build(0, pick(FORMATS)));
      }
      // Where a bundle is there already, a build does nothing at all.
      for (const name of ['victim', 'beside'])
        rmSync(join(out, `${name}_1.0.0_amd64`), { recursive: true, force: true });
      for (const which of [0, 1] as const) expectRight(which, await build(which, 'tar'));
      for (const name of ['victim', 'beside']) expectWhole(name);
      expect(await leftAfter(20, scratch, cache, out)).toEqual([]);
      rmSync(cache, { recursive: true });
      if (process.env['VSEC_KILLS']) writeFileSync(1, `${dead} builds killed\n`);
    },
    hours * 3_600_000,
  );
});
