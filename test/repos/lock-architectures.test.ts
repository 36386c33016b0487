/** Several architectures in one lock file, and environments for another architecture. */
import { expect, it } from 'vitest';
import { architecturesOf, lockFileOf, lockOf } from '../../repos/lock-architectures.ts';
import { lockSha256, parseLock, serialiseLock } from '../../repos/lock-file.ts';
import type { Lock } from '../../repos/lock.ts';
import { load, merged, pointsAt, top } from '../vse/support.ts';
import { lockedPackage } from './support/archive.ts';
import { diagnosticOf, textOf } from './support/context.ts';

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

function lockFor(architecture: string): Lock {
  const app = { ...lockedPackage('app', Buffer.from(architecture)), architecture };
  return {
    vsecLock: 1,
    vse: { name: 'cfd', version: '2.1.0', digest: digest('1') },
    distribution: { id: 'debian', release: 'bookworm', architecture },
    stages: [{ layers: ['cfd'] }],
    repositories: [{ name: 'test', type: 'deb', mirror: 'debian' }],
    ...{ indexes: [], epoch: 1, packages: [app] },
    toolbox: { digest: digest('2'), repositories: [], packages: [] },
  };
}

const [own, arm64, riscv64] = ['amd64', 'arm64', 'riscv64'].map(lockFor) as [Lock, Lock, Lock];
const whole = lockFileOf(own, [riscv64, arm64]);

it('each comes out of the file as it went in', () => {
  const file = parseLock(serialiseLock(whole), 'test');
  expect(architecturesOf(file)).toEqual(['amd64', 'arm64', 'riscv64']);
  for (const lock of [own, arm64, riscv64]) {
    const out = lockOf(file, lock.distribution.architecture)!;
    expect(out).toEqual(lock);
    expect(lockSha256(out)).toBe(lockSha256(lock));
  }
  expect(lockOf(file, 'i386')).toBeUndefined();
});

it('a file for one is what it was before there could be several', () => {
  expect(serialiseLock(lockFileOf(own, []))).toBe(serialiseLock(own));
  expect(serialiseLock(own)).not.toContain('otherArchitectures');
});

it('has the others a package to a line as well', () => {
  const lines = serialiseLock(whole).split('\n');
  expect(lines.filter((line) => line.includes('"name": "app"'))).toHaveLength(3);
  const moved = lockFileOf(own, [riscv64, { ...arm64, epoch: 2 }]);
  const after = serialiseLock(moved).split('\n');
  expect(after.filter((line, i) => line !== lines[i])).toEqual(['      "epoch": 2,']);
});

it.each([
  [
    'a package beyond the stages',
    lockFileOf(own, [{ ...arm64, stages: [] }]),
    'otherArchitectures.0.packages.0.stage',
  ],
  ['one architecture twice', lockFileOf(own, [arm64, arm64]), 'otherArchitectures: has one twice'],
])('is refused with %s', async (_, file, expected) => {
  const refused = await diagnosticOf(
    Promise.resolve().then(() => parseLock(JSON.stringify(file), 'cfd.lock.json')),
  );
  expect(refused).toMatchObject({ code: 'SOLV132', exitCode: 2 });
  expect(textOf(refused)).toContain(expected);
});

const KERNEL = 'add: { kernel: { package: linux-image-amd64 } }\n';

it('an environment for another architecture is as if its layers said so', async () => {
  const files = { 'top.yaml': top(KERNEL) };
  const { vse, codes } = await load(files, 'top.yaml', { architecture: 'arm64' });
  const written = await merged({
    'top.yaml': top(
      'add: { kernel: { package: linux-image-arm64 } }\noverride: { distribution: { architecture: arm64 } }\n',
    ),
  });
  expect(codes).toEqual([]);
  expect(vse!.digest).toBe(written.digest);
  expect(vse!.packages.map(({ name }) => name)).toContain('linux-image-arm64');
  expect(vse!.layers).toHaveLength(2);
  const same = await load(files, 'top.yaml', { architecture: 'amd64' });
  expect(same.vse!.digest).toBe((await merged(files)).digest);
});

it('a layer can protect its architecture', async () => {
  const files = { 'top.yaml': top(`${KERNEL}protect: [distribution.architecture]\n`) };
  const { diagnostics } = await load(files, 'top.yaml', { architecture: 'arm64' });
  expect(diagnostics.map(({ code }) => code)).toEqual(['VSE053']);
  expect(pointsAt(diagnostics[0]!)).toBe('1:1 --arch arm64');
});
