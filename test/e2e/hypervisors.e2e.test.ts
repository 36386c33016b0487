/**
 * One image, several machines: QEMU's smallest, VMware's devices, and a kernel of one's own. What
 * changes between hypervisors is a word, and no byte of the image.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installed } from '../builders/support/programs.ts';
import { vsec } from '../support/vsec.ts';

const STEM = 'small_1.0.0_amd64';

interface Manifest {
  readonly rootfs: { readonly digest: string };
  readonly boot: { readonly kernelRelease: string };
  readonly backends: readonly string[];
  readonly artifacts: readonly { readonly file: string; readonly sha256: string }[];
}

interface Boot {
  readonly backend: string;
  readonly up: boolean;
  readonly tier: string;
  readonly firmware: string;
  readonly standIn?: string;
  readonly failedUnits: readonly string[];
  readonly image: string;
  readonly imageSha256Before: string;
  readonly imageSha256After: string;
  readonly exec?: { readonly exitCode: number; readonly stdout: string };
}

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vsec-hypervisors-'));
  writeFileSync(
    join(folder, 'small.yaml'),
    'vse: 1\nname: small\nversion: 1.0.0\nextends: debian-12\nadd: { machine: { disk: 12GiB } }\n',
  );
  await build('qemu', 'small.yaml', '--format', 'raw', '--format', 'tar');
  await build('vmware', 'small.yaml', '--format', 'raw');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function build(backend: string, file: string, ...more: string[]): Promise<void> {
  const args = ['build', join(folder, file), '-O', join(folder, backend), '--backend', backend];
  const { code, stderr } = await vsec([...args, ...more, '--progress', 'plain']);
  expect(code, stderr).toBe(0);
}

const manifest = (backend: string, stem = STEM): Manifest =>
  JSON.parse(readFileSync(join(folder, backend, stem, 'manifest.json'), 'utf8')) as Manifest;
const sha256 = (backend: string, suffix: string): string | undefined =>
  manifest(backend).artifacts.find(({ file }) => file === `${STEM}${suffix}`)?.sha256;

async function boot(bundle: string, ...args: string[]): Promise<Boot> {
  const log = join(folder, 'console.log');
  const { code, stdout, stderr } = await vsec([
    ...['boot', join(folder, bundle), '--json', '--timeout', '10m', '--console-log', log],
    ...['--progress', 'plain', ...args],
  ]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Boot;
}

/** What `vsec diff` says of two bundles that differ. */
async function diff(a: string, b: string): Promise<unknown> {
  const { code, stdout } = await vsec(['diff', join(folder, a), join(folder, b), '--json']);
  expect(code).toBe(1);
  return JSON.parse(stdout) as unknown;
}

describe('one image', () => {
  test('is the same for another hypervisor: one word differs', () => {
    expect(manifest('qemu').backends).toEqual(['qemu']);
    expect(manifest('vmware').backends).toEqual(['vmware']);
    expect(manifest('vmware').rootfs).toEqual(manifest('qemu').rootfs);
    expect(sha256('vmware', '.raw')).toBe(sha256('qemu', '.raw'));
  });

  test('differs from that of another hypervisor by its disk, its glue and what names them', async () => {
    const found = await diff(`qemu/${STEM}`, `vmware/${STEM}`);
    expect(found).toMatchObject({
      options: [],
      packages: [],
      kernel: null,
      rootfs: null,
      lock: [],
    });
    const { files } = found as { files: readonly { file: string; to: object | null }[] };
    const [came, went] = [files.filter(({ to }) => to), files.filter(({ to }) => !to)];
    // The provenance names every file by its digest.
    const expected = ['*.vmdk', 'boot/vmware/*.vmx', 'provenance.json'];
    expect(came.map(({ file }) => file)).toEqual(expected);
    expect(went.map(({ file }) => file)).toEqual(expect.arrayContaining(['boot/qemu/run.sh']));
  });

  test('has a disk for VMware that holds the very same', () => {
    const disk = join(folder, 'vmware', STEM, `${STEM}.vmdk`);
    if (installed('qemu-img')) {
      expect(spawnSync('qemu-img', ['check', '-q', disk]).status).toBe(0);
      const raw = join(folder, 'qemu', STEM, `${STEM}.raw`);
      expect(spawnSync('qemu-img', ['compare', '-q', disk, raw]).status).toBe(0);
    }
    expect(readFileSync(disk).toString('latin1', 512, 2048)).toContain(
      'createType="streamOptimized"',
    );
  });

  test("comes up on QEMU's microvm, which has no PCI", async () => {
    const command = 'ls -d /sys/bus/pci/devices/* 2>/dev/null | wc -l; ls /sys/bus/virtio/devices';
    const root = 'df -B1M --output=size,pcent /; tune2fs -l /dev/disk/by-label/vse-* | grep state';
    const result = await boot(
      `qemu/${STEM}`,
      '--firmware',
      'microvm',
      '--exec',
      `${command}; ${root}`,
    );
    expect(result).toMatchObject({ up: true, tier: 'ran', firmware: 'microvm', failedUnits: [] });
    // The image is a gigabyte and some; it has grown while it was mounted, into reserved blocks too.
    expect(result.exec?.stdout).toMatch(/\n +1[12]\d{3} +\d+%\nFilesystem state: +clean\n$/);
    expect(result.imageSha256After).toBe(result.imageSha256Before);
    expect(result.exec?.stdout).toMatch(/^0\nvirtio0\n/);
  });

  test("comes up on VMware's disk controller and network card, from VMware's disk", async () => {
    const command = 'ls /sys/bus/pci/drivers/vmw_pvscsi /sys/bus/pci/drivers/vmxnet3';
    const args = ['--backend', 'vmware', '--exec', command];
    const result = await boot(`vmware/${STEM}`, ...args);
    expect(result).toMatchObject({ up: true, tier: 'ran', image: `${STEM}.vmdk`, failedUnits: [] });
    expect(result.standIn).toContain('pvscsi');
    expect(result.imageSha256After).toBe(result.imageSha256Before);
    expect(result.exec?.stdout.match(/^0000:/gm)).toHaveLength(2);
  });
});

test('a kernel of your own, with its modules, boots under its label', async () => {
  const { kernelRelease } = manifest('qemu').boot;
  const modules = `usr/lib/modules/${kernelRelease}`;
  const tar = join(folder, 'qemu', STEM, `${STEM}.tar`);
  mkdirSync(join(folder, 'own'));
  const { status } = spawnSync('tar', ['-xf', tar, '-C', join(folder, 'own'), `./${modules}`]);
  expect(status).toBe(0);
  copyFileSync(join(folder, 'qemu', STEM, `${STEM}.vmlinuz`), join(folder, 'own/bzImage'));
  writeFileSync(
    join(folder, 'own.yaml'),
    `vse: 1
name: own
version: 1.0.0
extends: debian-12
remove: { kernel: [package] }
add:
  kernel: { image: ./own/bzImage, modules: ./own/${modules}, label: Kernel of mine }
`,
  );
  await build('qemu', 'own.yaml', '--format', 'qcow2');
  expect(await diff(`qemu/${STEM}`, 'qemu/own_1.0.0_amd64')).toMatchObject({
    options: expect.arrayContaining([
      {
        ...{ path: 'kernel.label', change: 'added', to: 'Kernel of mine' },
        origin: { layer: 'own', verb: 'add', file: 'own.yaml', line: 7 },
      },
      {
        ...{ path: 'kernel.package', change: 'removed', from: 'linux-image-amd64' },
        origin: expect.objectContaining({ layer: 'debian-12' }) as unknown,
      },
      { path: 'name', change: 'changed', from: 'small', to: 'own' },
    ]) as unknown,
    packages: [
      { name: `linux-image-${kernelRelease}`, change: 'removed' },
      { name: 'linux-image-amd64', change: 'removed' },
    ],
    rootfs: { from: manifest('qemu').rootfs.digest },
  });
  const command =
    'uname -r; dpkg -l "linux-image*" | grep -c ^ii; grep -c "Kernel of mine" /boot/grub/grub.cfg; lsmod | grep -c ^virtio_blk';
  const result = await boot('qemu/own_1.0.0_amd64', '--exec', command);
  expect(result.exec?.stdout).toBe(`${kernelRelease}\n0\n1\n1\n`);
});
