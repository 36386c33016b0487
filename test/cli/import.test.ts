/** `vsec import`: from a profile to an environment that is valid as it stands. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { vsec } from '../support/vsec.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vsec-import-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const PROFILE = `<profile><name>Test Node #1</name><type>VMWare</type><memory>512</memory>
<image size="4000">/home/user/test.img</image><cdrom>/x.iso</cdrom>
<nic1><mac>00:50:56:00:00:06</mac></nic1></profile>`;

it('writes a layer that the language accepts, with the machine of the profile', async () => {
  writeFileSync(join(folder, 'p.xml'), PROFILE);
  const imported = await vsec(['import', 'p.xml'], { cwd: folder });
  expect([imported.code, imported.stdout]).toEqual([0, 'test-node-1.yaml\n']);
  expect(imported.stderr).toContain('Left out: the CD-ROM /x.iso');
  const shown = await vsec(['show', 'test-node-1.yaml', '--json'], { cwd: folder });
  expect(shown.stderr).toBe('');
  const { machine, backends } = JSON.parse(shown.stdout).config ?? JSON.parse(shown.stdout);
  expect(machine).toMatchObject({ nics: [{ mac: '00:50:56:00:00:06' }] });
  expect(JSON.stringify(machine)).toMatch(/512MiB|536870912/);
  expect(JSON.stringify(backends)).toContain('vmware');
});

it('does not write over a file, and says what is wrong with a profile', async () => {
  writeFileSync(join(folder, 'p.xml'), PROFILE);
  writeFileSync(join(folder, 'test-node-1.yaml'), 'mine');
  const again = await vsec(['import', 'p.xml'], { cwd: folder });
  expect([again.code, again.stdout]).toEqual([1, '']);
  expect(readFileSync(join(folder, 'test-node-1.yaml'), 'utf8')).toBe('mine');
  const none = await vsec(['import', 'none.xml'], { cwd: folder });
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('error[CLI050]')]);
});
