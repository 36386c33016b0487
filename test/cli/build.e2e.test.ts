/** `vsec build` from outside: streams, JSON, offline builds, interruption. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Manifest } from '../../builders/manifest.ts';
import type { CheckResult } from '../../cli/second-build.ts';
import { vsec, type RunOptions } from '../support/vsec.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'vsec-build-'));
  writeFileSync(
    join(dir, 'tiny.yaml'),
    'vse: 1\nname: tiny\nversion: 1.0.0\nextends: debian-12-repositories\nadd:\n  packages: [hello]\n',
  );
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const run = (args: readonly string[], options: RunOptions = {}) =>
  vsec(args, { cwd: dir, ...options });
const build = ['build', 'tiny.yaml', '--format', 'tar.zst', '-O', 'out'] as const;
const bundle = 'out/tiny_1.0.0_amd64';

describe('vsec build', () => {
  it('prints the path of the bundle, and a summary beside', async () => {
    const { code, stdout, stderr } = await run(build);
    expect([code, stdout], stderr).toEqual([0, `${bundle}\n`]);
    expect(stderr).toMatch(/wrote tiny\.lock\.json\n/);
    expect(stderr).toMatch(/Built in .*\n +[\d.]+ MB {2}tiny_1\.0\.0_amd64\.tar\.zst\n/);
    expect(readdirSync(join(dir, 'out'))).toEqual(['tiny_1.0.0_amd64']);
  });

  it('builds the same offline from the lock and the cache alone', async () => {
    const path = join(dir, bundle, 'manifest.json');
    const first = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
    const { code, stdout, stderr } = await run([...build, '--locked', '--offline', '--json']);
    expect(code, stderr).toBe(0);
    const result = JSON.parse(stdout) as { bundle: string; manifest: Manifest; seconds: number };
    expect(result.bundle).toBe(join(dir, bundle));
    expect(result.manifest).toEqual(first);
  });

  it.each([
    ['an unknown format', ['--format', 'raww'], 'CLI004'],
    ['an unknown backend', ['--backend', 'quemu'], 'CLI004'],
    ['an unknown sandbox', ['--sandbox', 'docker'], 'CLI004'],
    ['a disk image without a kernel', ['--format', 'raw'], 'BUILD193'],
  ])('refuses %s at once', async (_, more, id) => {
    const { code, stderr } = await run(['build', 'tiny.yaml', '-O', 'other', ...more]);
    expect(code).toBe(2);
    expect(stderr).toContain(id);
    expect(existsSync(join(dir, 'other'))).toBe(false);
  });

  it('stops on Ctrl-C, and leaves neither bundle nor tree behind', async () => {
    // A cache and a script of its own, so that there is work to interrupt.
    writeFileSync(
      join(dir, 'stopped.yaml'),
      `vse: 1\nname: stopped\nversion: 1.0.0\nextends: debian-12-repositories\nadd:\n  packages: [hello, tree]\n  scripts: {wait: {run: 'sleep 60; echo ${Date.now()}'}}\n`,
    );
    const cache = mkdtempSync(join(dir, 'cache-'));
    const { code, stdout, stderr } = await run(
      ['build', 'stopped.yaml', '--format', 'tar', '-O', 'gone', '--progress', 'json'],
      {
        env: { VSEC_CACHE_DIR: cache },
        started: (child) =>
          child.stderr?.on('data', (text: Buffer) => {
            if (text.includes('"finish"')) child.kill('SIGINT');
          }),
      },
    );
    expect([code, stdout]).toEqual([130, '']);
    const last: unknown = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
    expect(last).toMatchObject({ type: 'log', message: 'vsec: interrupted' });
    expect(existsSync(join(dir, 'gone', 'stopped_1.0.0_amd64'))).toBe(false);
    expect(readdirSync(join(cache, 'work'))).toEqual([]);
  });

  it('--check builds again under other conditions, and finds every byte the same', async () => {
    await run(['key', '--new', 'key']);
    const args = [...build, '--check', '--sign', 'key', '--json'];
    const { code, stdout, stderr } = await run(args);
    expect(code, stderr).toBe(0);
    const { check } = JSON.parse(stdout) as { check: CheckResult };
    expect(check).toMatchObject({ same: true, differences: [], tree: [] });
    expect(check.conditions).toMatchObject({ umask: '077', timeZone: 'Pacific/Chatham' });
    expect(check.files).toBeGreaterThan(5);
    const { manifest } = JSON.parse(stdout) as { manifest: Manifest };
    const signed = manifest.artifacts.filter(({ format }) => format === 'provenance');
    expect(signed.map(({ file }) => file)).toEqual(['provenance.json', 'provenance.dsse.json']);
    expect(readdirSync(join(dir, 'out'))).toEqual(['tiny_1.0.0_amd64']);
  });

  it('--check names the file of the image that chance wrote, and the bytes', async () => {
    writeFileSync(
      join(dir, 'chance.yaml'),
      `vse: 1\nname: chance\nversion: 1.0.0\nextends: debian-12-repositories\nadd:\n  packages: [hello]\n  scripts: {dice: {run: '(echo luck; cat /proc/sys/kernel/random/uuid) > /opt/dice'}}\n`,
    );
    const args = ['build', 'chance.yaml', '--format', 'tar', '-O', 'dice', '--check', '--json'];
    const { code, stdout, stderr } = await run(args);
    expect(code, stderr).toBe(1);
    expect(stderr).toContain('BUILD198');
    // Two of chance's numbers may begin alike; what "luck" and its line's end take is the same.
    const said =
      /in the image: \/opt\/dice: content from byte (\d+): ([0-9a-f]{2,32}), ([0-9a-f]{2,32})/.exec(
        stderr,
      );
    const [, from, first, second] = said ?? expect.fail(stderr);
    expect(Number(from)).toBeGreaterThanOrEqual('luck\n'.length);
    expect(first?.slice(0, 2)).not.toBe(second?.slice(0, 2));
    const { check } = JSON.parse(stdout) as { check: CheckResult };
    expect(check.tree.map(({ path }) => path)).toEqual(['/opt/dice']);
    expect(check.differences.map(({ file }) => file)).toContain('chance_1.0.0_amd64.tar');
  });
});
