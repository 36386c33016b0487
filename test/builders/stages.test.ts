/** Stages of a lock, and the keys under which their trees are kept. */
import { expect, test } from 'vitest';
import { stagesOf, treeKey } from '../../builders/stages.ts';
import { LOCK_FORMAT } from '../../repos/lock.ts';
import type { Lock, LockedPackage } from '../../repos/lock.ts';

const pkg = (name: string, stage: number, version = '1.0'): LockedPackage => ({
  name,
  version,
  architecture: 'amd64',
  sha256: Buffer.from(`${name} ${version}`).toString('hex').padEnd(64, '0'),
  size: 1000,
  repository: 'debian',
  stage,
  reason: 'requested',
  filename: `pool/${name}.deb`,
  installedSize: 2000,
});

const lock = (changes: Partial<Lock> = {}): Lock => ({
  vsecLock: LOCK_FORMAT,
  vse: { name: 'cfd', version: '1.0', digest: 'sha256:00' },
  distribution: { id: 'debian', release: 'bookworm', architecture: 'amd64' },
  stages: [{ layers: ['base'] }, { layers: ['site', 'group'] }, { layers: ['cfd'] }],
  repositories: [],
  indexes: [],
  epoch: 1_700_000_000,
  packages: [pkg('libc6', 0), pkg('dash', 0), pkg('mpi', 1), pkg('solver', 2)],
  toolbox: { digest: 'sha256:11', repositories: [], packages: [] },
  ...changes,
});

const keys = (of: Lock): readonly string[] => stagesOf(of).map((stage) => stage.key);
const base = keys(lock());

test('lowest first, with the layers as the label', () => {
  expect(
    stagesOf(lock()).map(({ label, packages }) => [label, packages.map((p) => p.name)]),
  ).toEqual([
    ['base', ['libc6', 'dash']],
    ['site+group', ['mpi']],
    ['cfd', ['solver']],
  ]);
  for (const key of base) expect(key).toMatch(/^[0-9a-f]{64}$/);
});

test('a layer without packages of its own is no stage', () => {
  const without = lock({ packages: [pkg('libc6', 0), pkg('solver', 2)] });
  expect(stagesOf(without).map((stage) => stage.label)).toEqual(['base', 'cfd']);
});

test('a change of a layer changes its stage and those above, and none below', () => {
  const changed = keys(
    lock({ packages: [pkg('libc6', 0), pkg('dash', 0), pkg('mpi', 1, '2.0'), pkg('solver', 2)] }),
  );
  expect(changed.map((key, i) => key === base[i])).toEqual([true, false, false]);
});

test('names of layers and the order of packages are not what a tree is made of', () => {
  const { packages, stages } = lock();
  expect(keys(lock({ packages: packages.toReversed() }))).toEqual(base);
  expect(keys(lock({ stages: stages.map(() => ({ layers: ['other'] })) }))).toEqual(base);
});

test.each<[string, Partial<Lock>]>([
  ['the toolbox', { toolbox: { digest: 'sha256:22', repositories: [], packages: [] } }],
  ['the time', { epoch: 1_700_000_001 }],
  ['the architecture', { distribution: { id: 'debian', release: 'x', architecture: 'arm64' } }],
  [
    'a package that moved to another stage',
    { packages: lock().packages.map((p) => ({ ...p, stage: 0 })) },
  ],
])('%s changes every stage', (_what, changes) => {
  for (const key of keys(lock(changes))) expect(base).not.toContain(key);
});

test('the key of the finished tree follows from the last stage and the description', () => {
  const stages = stagesOf(lock());
  const key = treeKey(stages, 'sha256:aa');
  expect(treeKey(stagesOf(lock()), 'sha256:aa')).toBe(key);
  expect(treeKey(stages, 'sha256:bb')).not.toBe(key);
  expect(treeKey(stages.slice(0, 2), 'sha256:aa')).not.toBe(key);
});
