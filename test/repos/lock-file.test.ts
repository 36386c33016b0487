/** The lock as a document. */
import { chmod, lstat, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeLockDrift } from '../../repos/lock-drift.ts';
import {
  lockEquals,
  lockSha256,
  parseLock,
  readLock,
  serialiseLock,
  writeLock,
} from '../../repos/lock-file.ts';
import { lockedOptions } from '../../repos/locked-options.ts';
import type { Lock, LockedPackage } from '../../repos/lock.ts';
import { merged, top } from '../vse/support.ts';
import { diagnosticOf, scratch, textOf } from './support/context.ts';

const hex = (digit: string): string => digit.repeat(64);

const locked = (name: string, changes: Partial<LockedPackage> = {}): LockedPackage => ({
  name,
  version: '1:2.0-3+b1',
  architecture: 'amd64',
  sha256: hex('a'),
  size: 1000,
  repository: 'debian',
  stage: 0,
  reason: 'requested by cfd',
  filename: `pool/main/${name}.deb`,
  installedSize: 4096,
  ...changes,
});

const lock: Lock = {
  vsecLock: 1,
  vse: { name: 'cfd', version: '2.1.0', digest: `sha256:${hex('1')}` },
  distribution: { id: 'debian', release: 'bookworm', architecture: 'amd64' },
  stages: [{ layers: ['debian-12'] }, { layers: ['cfd'] }],
  repositories: [{ name: 'debian', type: 'deb', mirror: 'debian' }],
  indexes: [
    {
      repository: 'debian',
      suite: 'bookworm',
      sha256: hex('b'),
      date: '2026-07-11T10:16:37.000Z',
      signedBy: 'ABCD',
    },
  ],
  epoch: 1783765000,
  packages: [locked('bash', { essential: true }), locked('gcc', { stage: 1 })],
  toolbox: {
    digest: `sha256:${hex('2')}`,
    repositories: [{ name: 'debian', type: 'deb', uri: 'https://mirror.example/debian' }],
    packages: [locked('e2fsprogs', { architecture: 'all' })],
  },
};

/** The document with one value replaced. */
function changed(path: readonly (string | number)[], value: unknown): string {
  const document = JSON.parse(serialiseLock(lock)) as Record<string, unknown>;
  let at = document as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as typeof at;
  at[path.at(-1)!] = value;
  return JSON.stringify(document);
}

describe('a lock', () => {
  it('comes back as it was written, and its folder holds nothing else', async () => {
    const folder = join(await scratch(), 'new');
    const path = join(folder, 'cfd.lock.json');
    await writeLock(path, lock);
    expect(await readLock(path)).toEqual(lock);
    expect(await readdir(folder)).toEqual(['cfd.lock.json']);
  });

  it('is a file like others: a link stays one, and a mode stays', async () => {
    const folder = await scratch();
    const path = join(folder, 'cfd.lock.json');
    await writeLock(path, lock);
    expect((await stat(path)).mode & 0o200).toBe(0o200);
    await chmod(path, 0o640);
    await symlink('cfd.lock.json', join(folder, 'link.json'));
    await writeLock(join(folder, 'link.json'), { ...lock, epoch: 7 });
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect((await lstat(join(folder, 'link.json'))).isSymbolicLink()).toBe(true);
    expect((await readLock(path)).epoch).toBe(7);
    const inTheWay = join(folder, 'folder.json');
    await mkdir(inTheWay);
    for (const work of [() => writeLock(inTheWay, lock), () => readLock(inTheWay)])
      expect(await diagnosticOf(work())).toMatchObject({
        ...{ code: 'REPO162', message: expect.stringContaining('it is a folder') as unknown },
      });
    expect((await readdir(folder)).sort()).toEqual(['cfd.lock.json', 'folder.json', 'link.json']);
  });

  it('is written the same whatever the order of its keys', () => {
    const reversed = JSON.parse(
      JSON.stringify(lock, (_, value: unknown) =>
        value && typeof value === 'object' && !Array.isArray(value)
          ? Object.fromEntries(Object.entries(value).reverse())
          : value,
      ),
    ) as Lock;
    expect(Object.keys(reversed)).not.toEqual(Object.keys(lock));
    expect(serialiseLock(reversed)).toBe(serialiseLock(lock));
    expect(lockEquals(reversed, lock)).toBe(true);
    expect(lockSha256(reversed)).toBe(lockSha256(lock));
  });

  it('differs in one line where one package differs', () => {
    const other = { ...lock, packages: [lock.packages[0]!, locked('gcc', { stage: 1, size: 2 })] };
    const [before, after] = [lock, other].map((one) => serialiseLock(one).split('\n'));
    expect(after).toHaveLength(before!.length);
    expect(after!.filter((line, at) => line !== before![at])).toHaveLength(1);
    expect(lockEquals(lock, other)).toBe(false);
  });

  it('keeps what it replaces when it cannot be written', async () => {
    const path = join(await scratch(), 'cfd.lock.json');
    await writeFile(path, 'before');
    const hostile = { ...lock, packages: [locked('gcc', { filename: '../../etc/passwd' })] };
    expect((await diagnosticOf(writeLock(path, hostile))).code).toBe('SOLV132');
    expect(await readFile(path, 'utf8')).toBe('before');
  });
});

describe('reading a lock', () => {
  const cases: readonly (readonly [name: string, text: string, code: string, says: string])[] = [
    ['that is no JSON', '{"vsecLock": 1,', 'SOLV130', 'is no JSON'],
    ['that is no lock', '{}', 'SOLV131', 'does not say its format'],
    ['of two sides', '<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x\n', 'SOLV130', 'either side'],
    ['of nothing', 'null', 'SOLV131', 'does not say its format'],
    ['of a later format', changed(['vsecLock'], 2), 'SOLV131', 'use a newer vsec'],
    ['without packages', changed(['packages'], undefined), 'SOLV132', 'packages'],
    [
      'with a short digest',
      changed(['packages', 1, 'sha256'], 'abc'),
      'SOLV132',
      'packages.1.sha256',
    ],
    [
      'with a path that escapes',
      changed(['packages', 0, 'filename'], 'pool/../../etc/shadow'),
      'SOLV132',
      'leads out of the repository',
    ],
    [
      'with an absolute path',
      changed(['toolbox', 'packages', 0, 'filename'], '/etc/shadow'),
      'SOLV132',
      'toolbox.packages.0.filename: leads out of the repository',
    ],
    [
      'with a name that is a path',
      changed(['packages', 0, 'name'], '../x'),
      'SOLV132',
      'is no package name',
    ],
    ['with a negative size', changed(['packages', 0, 'size'], -1), 'SOLV132', 'packages.0.size'],
    ['with a stage too many', changed(['packages', 0, 'stage'], 2), 'SOLV132', 'beyond the last'],
    [
      'with an unknown repository',
      changed(['packages', 0, 'repository'], 'x'),
      'SOLV132',
      "'x' is not in the lock",
    ],
  ];

  it.each(cases)('%s', async (_, text, code, says) => {
    const failure = await diagnosticOf((async () => parseLock(text, 'cfd.lock.json'))());
    expect(failure).toMatchObject({ code, exitCode: 2 });
    expect(textOf(failure)).toContain(says);
    expect(textOf(failure)).toContain('cfd.lock.json');
  });

  it('that is not there', async () => {
    const path = join(await scratch(), 'cfd.lock.json');
    expect(await diagnosticOf(readLock(path))).toMatchObject({
      code: 'SOLV133',
      exitCode: 1,
      hint: "make it with 'vsec lock'",
    });
  });

  it('passes over fields of later versions', () => {
    expect(parseLock(changed(['packages', 0, 'colour'], 'red'), 'x')).toEqual(lock);
  });
});

describe('describeLockDrift', () => {
  it('says that a layer has changed since', async () => {
    const before = await merged({ 'top.yaml': top('') });
    const after = await merged({ 'top.yaml': top('add: {packages: [make]}\n') });
    const { name, version, digest } = before;
    const options = lockedOptions(before);
    const own = { ...lock, vse: { name, version, digest }, options };
    expect(describeLockDrift(own, before)).toBeUndefined();
    expect(describeLockDrift(own, after)).toMatchObject({
      code: 'SOLV140',
      severity: 'error',
      hint: "a layer has changed since it was locked: bring the lock up to date with 'vsec lock'",
    });
    expect(describeLockDrift(own, after)!.notes[0]).toMatchObject({
      message: 'packages.make is new',
      span: { file: 'top.yaml', line: 4 },
    });
    const { options: _, ...silent } = own;
    expect(describeLockDrift(silent, after)!.notes).toHaveLength(2);
    expect(describeLockDrift(lock, before)!.hint).toContain('another environment');
  });
});
