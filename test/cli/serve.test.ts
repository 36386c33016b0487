/** `vsec serve`: what of its arguments is refused before anything is served. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeBundle } from '../builders/support/boot.ts';
import { vsec } from '../support/vsec.ts';

const folder = mkdtempSync(join(tmpdir(), 'vsec-serve-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => {
  mkdirSync(join(folder, 'bundle'));
  const { artifacts } = writeBundle(join(folder, 'bundle'));
  const shim = artifacts.map((one) =>
    one.format === 'initrd' ? { ...one, format: 'netboot-initrd' } : one,
  );
  writeBundle(join(folder, 'bundle'), { artifacts: shim });
});

it.each([
  ['CLI040', ['--listen', 'all of them']],
  ['CLI040', ['--listen', '127.0.0.1:65536']],
  ['CLI041', ['--nodes', 'none.yaml']],
  ['CLI042', ['--images', 'ftp://mirror.example/images']],
])('%s: %j', async (expected, options) => {
  const args = ['serve', 'bundle', '--key', 'head.key', ...options];
  const { code, stdout, stderr } = await vsec(args, { cwd: folder });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`error[${expected}]`);
});
