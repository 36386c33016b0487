/** Ten builds that begin together on one cache: what they share is fetched and built once. */
import { linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lock } from '../../repos/lock.ts';
import { MirrorServer } from '../repos/support/server.ts';
import { cacheWithoutTrees, E2E_CACHE } from './support/cache.ts';
import { buildLayer, lockLayer } from './support/environment.ts';
import type { Built } from './support/environment.ts';
import { copyProgram } from './support/program-copy.ts';
import { leftAfter, run } from './support/runs.ts';

const SAME = 5;
const OTHERS = 5;

const scratch = mkdtempSync(join(tmpdir(), 'vsec-at-once-'));
const cache = join(scratch, 'cache');
const out = join(scratch, 'out');
const archive = join(scratch, 'archive');
let server: MirrorServer;
let program: string;
/** The first for half of the builds, then one for each of the others. */
const layers: string[] = [];
const digests: string[] = [];
let lock: Lock;

beforeAll(async () => {
  for (let i = 0; i <= OTHERS; i++) {
    const file = i === 0 ? '' : `  files:\n    /etc/mine: { content: '${i}' }\n`;
    const text = `vse: 1\nname: n${i}\nversion: 1.0.0\nextends: debian-12-repositories\nadd:\n  packages: [hello]\n${file}`;
    const locked = await lockLayer(scratch, `n${i}`, text);
    layers.push(locked.path);
    lock = locked.lock;
  }
  // One of each kind by itself.
  for (const path of layers.slice(0, 2)) {
    const { manifest } = await buildLayer(path, join(scratch, 'alone'), ['--format', 'tar']);
    digests.push(manifest.rootfs.digest);
  }
  program = copyProgram(join(scratch, 'program'));
  for (const { filename, sha256 } of lock.packages) {
    mkdirSync(dirname(join(archive, filename)), { recursive: true });
    linkSync(join(E2E_CACHE, 'store/sha256', sha256.slice(0, 2), sha256), join(archive, filename));
  }
  server = await MirrorServer.start(archive);
  cacheWithoutTrees(cache);
  for (const { sha256 } of lock.packages)
    rmSync(join(cache, 'store/sha256', sha256.slice(0, 2), sha256), { force: true });
});
afterAll(async () => {
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
});

test('all are right, and nothing is fetched or built twice', async () => {
  const mirrors = { VSEC_MIRROR_DEBIAN: server.url, VSEC_MIRROR_DEBIAN_SECURITY: server.url };
  const stages: string[] = [];
  const build = (path: string, index: number) =>
    run(['build', path, '--locked', '--json', '--format', 'tar', '-O', join(out, `${index}`)], {
      ...{ program, cache, env: mirrors },
      stop: {
        when: (line) => {
          if (line.type === 'start' && line.task.startsWith('stage:')) stages.push(line.task);
          return false;
        },
        signal: 'SIGCONT',
      },
    });
  const paths = [...Array<string>(SAME).fill(layers[0]!), ...layers.slice(1)];
  const done = await Promise.all(paths.map(build));
  for (const { code, diagnostics } of done) expect(code, JSON.stringify(diagnostics)).toBe(0);
  const found = done.map(({ stdout }) => (JSON.parse(stdout) as Built).manifest.rootfs.digest);
  expect(new Set(found.slice(0, SAME))).toEqual(new Set([digests[0]]));
  expect(found[SAME]).toBe(digests[1]);
  expect(new Set(found).size).toBe(1 + OTHERS);

  const fetched = server.paths().sort();
  expect(fetched).toEqual(lock.packages.map(({ filename }) => `/${filename}`).sort());
  expect(stages.filter((name) => name.includes('debian-12-repositories'))).toHaveLength(1);
  expect(stages).toHaveLength(1 + 1 + OTHERS);
  expect(await leftAfter(10, scratch, cache, out)).toEqual([]);
});
