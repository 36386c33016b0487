/** Locking and explaining against the real repositories, from outside. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileURLToPath } from 'node:url';
import { lockOf } from '../../repos/lock-architectures.ts';
import { serialiseLock } from '../../repos/lock-file.ts';
import type { Lock, LockFile } from '../../repos/lock.ts';
import { vsec } from '../support/vsec.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'vsec-lock-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const run = (...args: string[]) =>
  vsec(args, { cwd: dir, env: { VSEC_CACHE_DIR: join(dir, 'cache') } });
const layer = (name: string, verbs: string) =>
  writeFileSync(
    join(dir, `${name}.yaml`),
    `vse: 1\nname: ${name}\nversion: 1.0.0\nextends: debian-12-repositories\n${verbs}\n`,
  );
const lockFile = (name: string) => join(dir, `${name}.lock.json`);
const readLock = (name: string) => JSON.parse(readFileSync(lockFile(name), 'utf8')) as Lock;

describe('lock', () => {
  it('writes every package exactly, and is then up to date', async () => {
    layer('hello', 'add:\n  packages: [hello]');
    const { code, stdout } = await run('lock', 'hello.yaml');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^hello\.lock\.json written: \d+ packages, .* to fetch, .* installed\n$/,
    );
    expect(readLock('hello').packages.find(({ name }) => name === 'hello')).toMatchObject({
      reason: 'requested by hello',
      repository: 'debian',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      stage: 1,
    });
    expect((await run('lock', 'hello.yaml', '--check')).code).toBe(0);
  });

  it('resolves offline from what it saw before, to the same bytes', async () => {
    const before = readFileSync(lockFile('hello'), 'utf8');
    const { code, stdout } = await run('lock', 'hello.yaml', '--offline', '--json');
    expect([code, stdout]).toEqual([0, before]);
  });

  it('--check tells what would change, and changes nothing', async () => {
    const whole = readFileSync(lockFile('hello'), 'utf8');
    const lock = readLock('hello');
    const packages = lock.packages.filter(({ name }) => name !== 'hello');
    const stale = JSON.stringify({ ...lock, packages });
    writeFileSync(lockFile('hello'), stale);
    const { code, stdout } = await run('lock', 'hello.yaml', '--check');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^\+ hello 2\.10-\d+ .*\nhello\.lock\.json would change: /);
    expect(readFileSync(lockFile('hello'), 'utf8')).toBe(stale);
    writeFileSync(join(dir, 'whole.lock.json'), whole);
    const diff = await run('diff', 'whole.lock.json', 'hello.lock.json');
    expect(diff.stdout).toMatch(/^packages\n {2}- hello 2\.10-\d+ .*\nsizes\n/);
    expect(diff.code).toBe(1);
    expect((await run('diff', 'whole.lock.json', 'whole.lock.json')).code).toBe(0);
    writeFileSync(lockFile('hello'), whole);
  });

  it('names what was probably meant, and writes nothing', async () => {
    layer('typo', 'add:\n  packages: [libhdf5-de]');
    const { code, stdout, stderr } = await run('lock', 'typo.yaml');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('typo.yaml:6:14: error[SOLV');
    expect(stderr).toContain('libhdf5-dev');
    expect(existsSync(lockFile('typo'))).toBe(false);
  });

  it('shows the chain when an excluded package is needed', async () => {
    layer('chain', 'add:\n  packages: [curl]\nexclude:\n  packages: [libssh2-1]');
    const { code, stderr } = await run('lock', 'chain.yaml');
    expect(code).toBe(1);
    expect(stderr).toContain('libcurl4');
    expect(stderr).toContain('chain.yaml:8:14');
  });

  it('build --locked takes no lock of an earlier state', async () => {
    layer('hello', 'add:\n  packages: [hello, tree]');
    const { code, stdout, stderr } = await run('build', 'hello.yaml', '--locked');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('SOLV140');
    layer('never', 'add:\n  packages: [hello]');
    expect((await run('build', 'never.yaml', '--locked')).stderr).toContain('SOLV133');
  });
});

describe('several architectures', () => {
  const EXAMPLE = fileURLToPath(new URL('../../examples/cfd', import.meta.url));
  const lockText = () => readFileSync(join(dir, 'cfd', 'cfd.lock.json'), 'utf8');
  const lockCfd = (...args: string[]) => run('lock', 'cfd/cfd.yaml', ...args);
  const cfd = () => JSON.parse(lockText()) as LockFile;
  let alone = '';

  beforeAll(async () => {
    cpSync(EXAMPLE, join(dir, 'cfd'), { recursive: true });
    rmSync(join(dir, 'cfd', 'cfd.lock.json'), { force: true });
    expect((await lockCfd()).code).toBe(0);
    alone = lockText();
  });

  it('are resolved each for itself, in one file', async () => {
    const { code, stdout } = await lockCfd('--arch', 'amd64,arm64');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^arm64: new\n.*\n {2}arm64: \d+ /)]);
    const arm64 = lockOf(cfd(), 'arm64')!;
    const foreign = arm64.packages.filter((p) => !['arm64', 'all'].includes(p.architecture));
    expect(foreign).toEqual([]);
    const names = arm64.packages.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['libc6', 'linux-image-arm64', 'openmpi-bin']));
    expect(serialiseLock(lockOf(cfd(), 'amd64')!)).toBe(alone);
  });

  it('are kept when the lock is made again, and told apart', async () => {
    const before = lockText();
    expect((await lockCfd('--check')).code).toBe(0);
    expect((await lockCfd('--upgrade', 'linux-image-arm64', '--check')).code).toBe(0);
    expect(lockText()).toBe(before);
    writeFileSync(join(dir, 'alone.lock.json'), alone);
    const both = ['alone.lock.json', 'cfd/cfd.lock.json'];
    const diff = await run('diff', ...both);
    expect([diff.code, diff.stdout]).toEqual([1, 'lock\n  ~ arm64: locked as well\n']);
    const none = await run('diff', ...both, '--arch', 'arm64');
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('It holds amd64.')]);
    const why = ['explain', 'cfd/cfd.yaml', 'linux-image-arm64', '--arch', 'arm64', '--offline'];
    expect((await run(...why)).stdout).toContain('is installed');
  });

  it('go again, and what is left is the lock as it was', async () => {
    expect((await lockCfd('--arch', 'arm65')).stderr).toContain('error[REPO129]');
    expect((await lockCfd('--arch', 'all')).stderr).toContain('error[CLI004]');
    expect((await lockCfd('--arch', 'amd64')).stdout).toMatch(/^arm64: no longer locked\n/);
    expect(lockText()).toBe(alone);
  });
});

describe('explain', () => {
  it('gives the documented fields of an installed package', async () => {
    layer('curl', 'add:\n  packages: [curl]');
    const { code, stdout } = await run('explain', 'curl.yaml', 'libssh2-1', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ package: 'libssh2-1', installed: true, requestedBy: [], excludedBy: null },
      path: ['curl', 'libcurl4', 'libssh2-1'],
    });
  });

  it.each([
    ['curl', /is installed\n {2}requested: curl\.yaml:6 /],
    ['libssh2-1', /curl → libcurl4 → libssh2-1/],
    ['nano', /is not installed\n {2}nothing that is installed needs it/],
    ['packages.curl', /^curl /],
  ])('tells people of %s', async (name, expected) => {
    expect((await run('explain', 'curl.yaml', name, '--offline')).stdout).toMatch(expected);
  });

  it('names the nearest of what it does not know', async () => {
    const { code, stderr } = await run('explain', 'curl.yaml', 'libssh2-2', '--offline');
    expect(code).toBe(2);
    expect(stderr).toContain("error[CLI008]: 'libssh2-2' is neither an option nor a package");
    expect(stderr).toContain('libssh2-1');
  });

  it('takes a request for its package, and says what may be meant', async () => {
    const asked = await run('explain', 'curl.yaml', 'curl:amd64 (>= 7)', '--offline');
    expect(asked.stdout).toMatch(/^curl .* is installed/);
    const shouted = await run('explain', 'curl.yaml', 'CURL', '--offline');
    expect(shouted.stderr).toContain("hint: Did you mean 'curl'?");
    const dotted = await run('explain', 'curl.yaml', 'distribution.', '--offline');
    expect(dotted.stderr).toContain("hint: Did you mean 'distribution'?");
  });
});
