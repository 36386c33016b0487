/** A cache on a real full disk, and on one that cannot be written. Needs root, for the mounts. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { fetchPackages } from '../../repos/fetch-packages.ts';
import { lockedPackage, poolPath } from './support/archive.ts';
import { diagnosticOf, filesBelow, scratch, testContext, textOf } from './support/context.ts';

const mounts: string[] = [];
afterEach(() => {
  for (const mount of mounts.splice(0)) execFileSync('umount', [mount]);
});

async function smallDisk(): Promise<string> {
  const mount = join(await scratch(), 'disk');
  await mkdir(mount);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]);
  mounts.push(mount);
  return mount;
}

async function fetchInto(cacheDir: string): Promise<unknown> {
  const root = await scratch();
  const content = randomBytes(3_000_000);
  await mkdir(dirname(join(root, poolPath('large'))), { recursive: true });
  await writeFile(join(root, poolPath('large')), content);
  const ctx = await testContext({ env: { VSEC_MIRROR_TEST: `file://${root}` } });
  const repositories = [{ name: 'test', type: 'deb', mirror: 'test' }];
  return fetchPackages([lockedPackage('large', content)], repositories, { ...ctx, cacheDir });
}

let canMount = process.getuid?.() === 0;
if (canMount) {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
  } catch {
    canMount = false;
  }
}

test.skipIf(!canMount)('a full disk is said to be full, and nothing half stays', async () => {
  const disk = await smallDisk();
  const found = await diagnosticOf(fetchInto(join(disk, 'cache')));
  expect(found).toMatchObject({ code: 'REPO160', exitCode: 1 });
  expect(found.message).toBe('cannot write the package store: the disk is full');
  expect(textOf(found)).toContain(disk);
  expect(await filesBelow(disk)).toEqual([]);
});

test.skipIf(!canMount)('a read-only cache', async () => {
  const disk = await smallDisk();
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  const found = await diagnosticOf(fetchInto(join(disk, 'cache')));
  expect(found).toMatchObject({ code: 'REPO161', exitCode: 1 });
  expect(found.message).toContain('read-only');
});
