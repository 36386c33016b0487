/** Xen for real: a host image of ours through its own boot menu, and the golden image in it. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BootResult } from '../../builders/boot/result.ts';
import type { Manifest } from '../../builders/manifest.ts';
import { vsec } from '../support/vsec.ts';
import { buildLayer, lockLayer } from './support/environment.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Consoles stay there for a look after a failure. */
const LOGS = join(ROOT, 'build', 'e2e');

const HOST = `vse: 1
name: xenhost
version: 1.0.0
extends: debian-12-xen-host
add:
  hypervisor: { cmdline: { loglvl: all } }
override:
  hypervisor: { cmdline: { dom0_mem: "480M,max:480M" } }
`;

const GUEST = `vse: 1
name: gold
version: 1.0.0
extends: debian-12
add:
  backends: [xen-pv, xen-pvh, xen-hvm]
`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vsec-xen-'));
  mkdirSync(LOGS, { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function build(name: string, text: string): Promise<{ bundle: string; manifest: Manifest }> {
  const { path } = await lockLayer(folder, name, text);
  return buildLayer(path, folder, []);
}

async function boot(bundle: string, backend: string, args: readonly string[]): Promise<BootResult> {
  const log = join(LOGS, `console-${backend}.log`);
  const { code, stdout, stderr } = await vsec([
    ...['boot', bundle, '--backend', backend, '--timeout', '15m'],
    ...['--console-log', log, '--json', '--progress', 'plain', ...args],
  ]);
  expect(code, `${stderr}\nconsole: ${log}`).toBe(0);
  return JSON.parse(stdout) as BootResult;
}

describe('a host image', () => {
  test('starts Xen by its own boot menu, with the arguments that the VSE gives', async () => {
    const { bundle, manifest } = await build('xenhost', HOST);
    for (const name of ['xen.cfg', 'menu.lst'])
      expect(existsSync(join(bundle, 'boot/xen-host', name)), name).toBe(true);
    expect(manifest.boot.hypervisor?.cmdline).toContain('loglvl=all');
    const command = 'xl info; ip -brief address show xenbr0; systemctl is-system-running';
    const result = await boot(bundle, 'xen-host', ['--exec', command]);
    expect(result).toMatchObject({ up: true, tier: 'ran', failedUnits: [] });
    const said = result.exec?.stdout ?? '';
    expect(said).toMatch(
      /^xen_commandline\s*:.* loglvl=all.*dom0_mem=480M,max:480M|^xen_commandline\s*:.*dom0_mem=480M,max:480M.* loglvl=all/m,
    );
    expect(said).toMatch(/^xen_version\s*: 4\.17/m);
    expect(said).toMatch(/^xenbr0 .*\b10\.0\.2\.\d+/m);
    expect(said).toMatch(/^running$/m);
  });
});

describe('the golden image', () => {
  let bundle = '';
  let manifest: Manifest;
  beforeAll(async () => {
    ({ bundle, manifest } = await build('gold', GUEST));
  });

  const cameUpUnmodified = (result: BootResult): void => {
    expect(result).toMatchObject({ up: true, tier: 'ran', failedUnits: [] });
    const listed = manifest.artifacts.find(({ file }) => file === result.image);
    expect(result.imageSha256Before).toBe(listed?.sha256);
    expect(result.imageSha256After).toBe(listed?.sha256);
    expect(result.guest?.rootfsUuid).toBe(manifest.rootfs.uuid);
  };

  test('has a kernel and an initrd that say what Xen needs to know', () => {
    const { kernel } = manifest.boot;
    expect(kernel?.xen).toEqual(['pv', 'pvh']);
    expect(kernel?.config).toMatchObject({ CONFIG_XEN_PV: 'y', CONFIG_XEN_PVH: 'y' });
    expect(kernel?.drivers).toEqual(expect.arrayContaining(['xen_blkfront', 'xen_netfront']));
  });

  test('comes up as a PV guest', async () => {
    cameUpUnmodified(await boot(bundle, 'xen-pv', ['--disk', 'raw']));
    const log = readFileSync(join(LOGS, 'console-xen-pv.log'), 'utf8');
    expect(log).toMatch(/vsec: up .* xen=PV\r?$/m);
  });
});
