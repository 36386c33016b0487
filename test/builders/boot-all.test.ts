/** `vsec boot --backend all`: one row for each way, from one disk, whether it could be tried or not. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { backends } from '../../builders/backends/index.ts';
import { bootAll } from '../../builders/boot/boot-all.ts';
import { kvmObstacle } from '../../builders/boot/accelerator.ts';
import { fakeToolbox, testContext, UP, writeBundle } from './support/boot.ts';

let folder = '';
let bundle = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vsec-bootall-'));
  bundle = join(folder, 'bundle');
  for (const dir of [bundle, join(folder, 'scratch'), join(folder, 'toolbox/usr/share/OVMF')])
    mkdirSync(dir, { recursive: true });
  writeFileSync(join(folder, 'toolbox/usr/share/OVMF/OVMF_VARS_4M.fd'), 'variables');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const toolbox = () =>
  fakeToolbox(join(folder, 'toolbox'), {
    'qemu-img': ': >"$9"',
    'qemu-system-x86_64': `echo '${UP}'; sleep 30`,
  });

/** A program that stands for the judge of domains, and its folder first in the PATH. */
function judge(script: string): { readonly PATH: string } {
  const path = join(folder, 'virt-xml-validate');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  mkdirSync(join(bundle, 'boot/palacios'), { recursive: true });
  writeFileSync(join(bundle, 'boot/palacios/x.xml'), '<domain type="x"/>');
  return { PATH: `${folder}:/usr/bin:/bin` };
}

it('has a row for each backend, and boots those that it can in each of their ways', async () => {
  const manifest = writeBundle(bundle);
  const rows = await bootAll(bundle, {}, toolbox(), testContext(join(folder, 'scratch')).ctx);
  expect(new Set(rows.map((row) => row.backend))).toEqual(
    new Set(backends.map(({ name }) => name)),
  );
  const qemu = rows.filter((row) => row.backend === 'qemu');
  expect(qemu.map(({ firmware, up, attempted, tier }) => [firmware, up, attempted, tier])).toEqual(
    ['bios', 'uefi', 'kernel', 'microvm'].map((way) => [way, true, true, 'ran']),
  );
  const palacios = rows.filter((row) => row.backend === 'palacios');
  expect(palacios).toMatchObject([{ up: false, attempted: false, tier: 'emitted' }]);
  expect(palacios[0]?.diagnostics[0]?.code).toBe('BOOT001');
  for (const row of rows) expect(row.rootfsDigest).toBe(manifest.rootfs.digest);
  if (kvmObstacle() !== undefined)
    expect(rows.find((row) => row.backend === 'kvm')?.diagnostics[0]?.code).toBe('BOOT003');
});

it('tries one way alone when one is asked for', async () => {
  writeBundle(bundle);
  const { ctx } = testContext(join(folder, 'scratch'));
  const rows = await bootAll(bundle, { firmware: 'microvm' }, toolbox(), ctx);
  expect(rows.filter((row) => row.attempted).map((row) => row.backend)).toContain('qemu');
  for (const row of rows) if (row.attempted) expect(row.firmware).toBe('microvm');
});

it.each([
  ['takes', 'exit 0', 'validated', 'virt-xml-validate'],
  ['refuses', 'exit 1', 'emitted', undefined],
])('says of glue that nothing can run that a judge %s it', async (_, script, tier, by) => {
  writeBundle(bundle);
  const { ctx } = testContext(join(folder, 'scratch'));
  const env = { ...ctx.env, ...judge(script) };
  const rows = await bootAll(bundle, { firmware: 'microvm' }, toolbox(), { ...ctx, env });
  const row = rows.find(({ backend }) => backend === 'palacios');
  expect([row?.tier, row?.validatedBy]).toEqual([tier, by]);
});
