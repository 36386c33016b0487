/** README.md's table of hypervisors follows from results, and from nothing else. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/matrix.mjs', import.meta.url));
const EMPTY = 'before\n<!-- matrix: written by `make matrix` -->\nold\n<!-- /matrix -->\nafter\n';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vsec-matrix-'));
  writeFileSync(join(folder, 'README.md'), EMPTY);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const row = (backend: string, firmware: string, more: object): object => ({
  ...{ backend, firmware, up: true, attempted: true, tier: 'ran', seconds: 23.4 },
  ...{ image: 'a.raw', imageSha256Before: 'aa', imageSha256After: 'aa', diagnostics: [] },
  ...more,
});

function matrix(...results: unknown[]): { status: number | null; stderr: string; text: string } {
  const files = results.map((result, index) => {
    const file = join(folder, `${index}.json`);
    writeFileSync(file, JSON.stringify(result));
    return file;
  });
  const readme = join(folder, 'README.md');
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, readme, ...files], {
    encoding: 'utf8',
  });
  return { status, stderr, text: readFileSync(readme, 'utf8') };
}

const missed = { up: false, attempted: false, tier: 'emitted', seconds: 0 };

it('shows the best of each way, with what stood for a hypervisor and why one was not tried', () => {
  const { status, text } = matrix(
    [
      row('qemu', 'bios', {}),
      row('vmware', 'bios', { standIn: 'QEMU' }),
      row('xen-host', 'bios', missed),
      row('kvm', 'bios', { ...missed, diagnostics: [{ message: 'no | KVM' }] }),
    ],
    [row('xen-host', 'bios', { seconds: 60 })],
  );
  expect(status).toBe(0);
  expect(text.split('\n').filter((line) => line.startsWith('| `'))).toEqual([
    '| `qemu` | bios | ran | 23 s |  |',
    '| `vmware` | bios | ran | 23 s | on QEMU |',
    '| `xen-host` | bios | ran | 60 s |  |',
    '| `kvm` | bios | emitted | – | no \\| KVM |',
  ]);
  expect(text).toMatch(/^before\n/);
  expect(text).toContain('SHA-256 `aa`');
  expect(text).toMatch(/\nafter\n$/);
  expect(text).not.toContain('old');
});

it('takes the result of one boot, too, which says nothing of being attempted', () => {
  const { attempted: _attempted, ...one } = row('qemu', 'uefi', {}) as { attempted: boolean };
  const { text } = matrix(one);
  expect(text).toContain('| `qemu` | uefi | ran | 23 s |');
  expect(text).toContain('SHA-256 `aa`');
});

it.each<[string, unknown, string]>([
  ['an image that changed', [row('qemu', 'bios', { imageSha256After: 'bb' })], 'changed on qemu'],
  ['a result of something else', { up: true }, 'no boot'],
  ['a row of another kind', [{ backend: 'qemu' }], 'no boot'],
])('refuses %s, and leaves the text alone', (_case, result, message) => {
  const { status, stderr, text } = matrix(result);
  expect([status, stderr, text]).toEqual([1, expect.stringContaining(message), EMPTY]);
});

it('refuses a text without the place for it', () => {
  writeFileSync(join(folder, 'README.md'), 'nothing here\n');
  expect(matrix([row('qemu', 'bios', {})]).stderr).toContain('lacks the lines');
});
