/** Xen for real: a host image of ours in each way to start it, and the golden image in its guests. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Firmware } from '../../builders/backend.ts';
import { bootBundle } from '../../builders/boot/boot.ts';
import type { BootResult } from '../../builders/boot/result.ts';
import { XenVenue } from '../../builders/boot/xen-venue.ts';
import { vsec } from '../support/vsec.ts';
import { ctx, toolbox, xenHost } from './support/booting.ts';
import { buildLayer, lockLayer } from './support/environment.ts';
import type { Built } from './support/environment.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Consoles stay there for a look after a failure. */
const LOGS = join(ROOT, 'build', 'e2e');
/** Seconds for each host and each guest: processors that are emulated twice over take their time. */
const TIMEOUT = 600;
/** Milliseconds for a test: twice a host and a guest, where the first attempt comes to nothing. */
const LIMIT = 4 * TIMEOUT * 1000;

const GUEST = `vse: 1
name: gold
version: 1.0.0
extends: debian-12
add:
  backends: [xen-pv, xen-pvh, xen-hvm]
`;

/** With the guest's glue in it, for xl to be asked. */
const host = (glue: readonly string[]): string => `vse: 1
name: xenhost
version: 1.0.0
extends: debian-12-xen-host
add:
  hypervisor: { cmdline: { loglvl: all } }
  files:
${glue.map((file) => `    /root/glue/${file.replaceAll('/', '-')}: { source: ${gold.bundle}/boot/${file} }\n`).join('')}
override:
  hypervisor: { cmdline: { dom0_mem: "480M,max:480M" } }
`;

/** In dom0: each line says that xl takes a file, or what it says of it. */
const JUDGES = `cd /root/glue
for f in *.cfg; do said=$(xl -N create "$f" 2>&1) && echo "xl $f" || echo "xl refuses $f: $said"; done
`;

let folder = '';
let gold: Built;
let glue: readonly string[] = [];
let node: Built;

async function build(name: string, text: string): Promise<Built> {
  const { path } = await lockLayer(folder, name, text);
  return buildLayer(path, folder, []);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vsec-xen-'));
  mkdirSync(LOGS, { recursive: true });
  gold = await build('gold', GUEST);
  glue = ['xen-pv', 'xen-pvh', 'xen-hvm', 'netboot'].flatMap((backend) =>
    readdirSync(join(gold.bundle, 'boot', backend))
      .filter((file) => file.endsWith('.cfg'))
      .map((file) => `${backend}/${file}`),
  );
  node = await build('xenhost', host(glue));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a host image', () => {
  async function boot(firmware: Firmware, command: string): Promise<BootResult> {
    const log = join(LOGS, `console-xen-host-${firmware}.log`);
    const { code, stdout, stderr } = await vsec([
      ...['boot', node.bundle, '--backend', 'xen-host', '--firmware', firmware],
      ...['--timeout', `${TIMEOUT}s`, '--console-log', log, '--json', '--progress', 'plain'],
      ...['--exec', command],
    ]);
    expect(code, `${stderr}\nconsole: ${log}`).toBe(0);
    const result = JSON.parse(stdout) as BootResult;
    expect(result).toMatchObject({ up: true, tier: 'ran', failedUnits: [], firmware });
    expect(result.imageSha256After).toBe(result.imageSha256Before);
    // The arguments that the VSE gives.
    expect(result.exec?.stdout).toMatch(/^xen_commandline\s*:.* loglvl=all/m);
    expect(result.exec?.stdout).toMatch(/^xen_commandline\s*:.*dom0_mem=480M,max:480M/m);
    return result;
  }

  test('starts Xen by its own boot menu; xl there takes all configurations', async () => {
    const command = 'xl info; ip -brief address show xenbr0; systemctl is-system-running';
    const { exec } = await boot('bios', `${command}; ${JUDGES}`);
    expect(exec?.stdout).toMatch(/^xen_version\s*: 4\.17/m);
    expect(exec?.stdout).toMatch(/^xenbr0 .*\b10\.0\.2\.\d+/m);
    expect(exec?.stdout).toMatch(/^running$/m);
    const wanted = glue.map((file) => `xl ${file.replaceAll('/', '-')}`);
    const judged = exec?.stdout.match(/^xl .*/gm) ?? [];
    expect([...judged].sort()).toEqual(wanted.sort());
  });

  test.each(['uefi', 'xen-efi'] as const)('starts Xen by %s', async (firmware) => {
    const { exec } = await boot(firmware, 'xl info; ls -d /sys/firmware/efi');
    expect(exec?.stdout).toMatch(/^\/sys\/firmware\/efi$/m);
  });
});

/** One after the other in one host. */
describe('the golden image, unmodified', { timeout: LIMIT }, () => {
  const venue = new XenVenue(xenHost);
  afterAll(() => venue.close());

  async function boot(backend: string, firmware: Firmware, exec?: string): Promise<BootResult> {
    const consoleLog = join(LOGS, `console-${backend}-${firmware}.log`);
    const way = { backend, firmware, venue, timeout: TIMEOUT, consoleLog };
    const more = {
      ...(backend.startsWith('xen-') && { disk: 'raw' }),
      ...(exec !== undefined && { exec }),
    };
    const result = await bootBundle(gold.bundle, { ...way, ...more }, await toolbox(), ctx);
    const said = JSON.stringify(result.diagnostics, undefined, 1);
    // A first attempt that ended without a reason: seen, printed, and no failure of the second.
    const startedAgain = result.diagnostics.filter(({ code }) => code === 'BOOT035');
    if (startedAgain.length > 0) console.warn(`${backend} ${firmware}: ${said}`);
    expect(result.diagnostics, said).toEqual(startedAgain);
    expect(result, `console: ${consoleLog}`).toMatchObject({
      ...{ up: true, tier: 'ran', failedUnits: [] },
      guest: { rootfsUuid: gold.manifest.rootfs.uuid },
    });
    const listed = gold.manifest.artifacts.find(({ file }) => file === result.image);
    expect(result.imageSha256Before).toBe(listed?.sha256);
    expect(result.imageSha256After).toBe(listed?.sha256);
    return result;
  }

  test('has a kernel and an initrd that say what Xen needs to know', () => {
    const { kernel } = gold.manifest.boot;
    expect(kernel?.xen).toEqual(['pv', 'pvh']);
    expect(kernel?.config).toMatchObject({ CONFIG_XEN_PV: 'y', CONFIG_XEN_PVH: 'y' });
    expect(kernel?.drivers).toEqual(expect.arrayContaining(['xen_blkfront', 'xen_netfront']));
  });

  test('comes up as a PV guest, by a kernel that the host hands over', async () => {
    const { exec } = await boot('xen-pv', 'kernel', 'cat /sys/hypervisor/guest_type');
    expect(exec).toMatchObject({ exitCode: 0, stdout: 'PV\n' });
    const log = readFileSync(join(LOGS, 'console-xen-pv-kernel.log'), 'utf8');
    expect(log).toMatch(/vsec: up .* xen=PV\r?$/m);
  });

  test.each(['pygrub', 'pvgrub'] as const)(
    "comes up as a PV guest, by the image's own kernel (%s)",
    async (firmware) => void (await boot('xen-pv', firmware)),
  );

  test('comes up as a PVH guest', async () => {
    await boot('xen-pvh', 'kernel');
  });

  // A quarter of an hour: its devices are emulated by an emulated processor.
  test.runIf(process.env['VSEC_SLOW'])('comes up as an HVM guest, by its BIOS', async () => {
    await boot('xen-hvm', 'bios');
  });

  test('fills a disk by the netboot shim, and the node boots from that', async () => {
    const { steps, exec } = await boot('netboot', 'xen', 'hostname');
    expect(steps?.map(({ name }) => name)).toEqual([
      ...['drivers', 'dhcp', 'cluster', 'node', 'disk', 'transfer', 'configure', 'finish'],
    ]);
    expect(exec?.stdout).toMatch(/^gold-[0-9a-f]{6}\n$/);
  });
});
