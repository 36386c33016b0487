/** The command lines that `vsec boot` starts QEMU with. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { BootRequest, Firmware } from '../../builders/backend.ts';
import { qemu } from '../../builders/backends/qemu.ts';
import { vmware } from '../../builders/backends/vmware.ts';
import { IMAGE, withMachine } from './support/image.ts';
import { site } from './support/tree.ts';

const request = (firmware: Firmware, more: Partial<BootRequest> = {}): BootRequest => ({
  ...{ bundle: '/b', scratch: '/s', toolboxRoot: '/t', disk: '/s/a,b.qcow2' },
  ...{ firmware, accelerator: 'tcg' },
  ...more,
});

const args = (backend: typeof qemu, one: BootRequest, image = IMAGE): readonly string[] =>
  backend.boot?.(image, one).args ?? [];
const after = (list: readonly string[], option: string): readonly string[] =>
  list.flatMap((arg, at) => (arg === option ? [list[at + 1] ?? ''] : []));

it('microvm has no device on PCI, and starts the kernel with a way to reset', () => {
  const list = args(qemu, request('microvm'));
  expect(list.join(' ')).not.toContain('-pci');
  expect(after(list, '-machine')).toEqual(['microvm,acpi=on']);
  expect(after(list, '-bios')).toEqual(['qboot.rom']);
  expect(after(list, '-device')).toEqual([
    'virtio-rng-device,rng=rng0',
    'virtio-blk-device,drive=disk',
    'virtio-net-device,netdev=net0,mac=00:50:56:00:00:01',
    'virtio-net-device,netdev=net1',
  ]);
  expect(after(list, '-append')[0]).toMatch(/ console=ttyS0 reboot=t tsc_early_khz=\d{6,7}$/);
  const kvm = args(qemu, request('microvm', { accelerator: 'kvm' }));
  expect(after(kvm, '-append')[0]).toMatch(/ console=ttyS0 reboot=t$/);
  expect(after(list, '-kernel')).toEqual(['/b/cfd_2.1.0_amd64.vmlinuz']);
});

it('microvm hears of keys through files that nobody else can read', () => {
  const scratch = site().root;
  const login = {
    port: 2222,
    credentials: { 'tmpfiles.extra': Buffer.from('a\n').toString('base64') },
  };
  const list = args(qemu, request('microvm', { scratch, login }));
  const file = join(scratch, 'credential-tmpfiles.extra');
  expect(after(list, '-fw_cfg')).toEqual([
    `name=opt/io.systemd.credentials/tmpfiles.extra,file=${file}`,
  ]);
  expect(after(list, '-smbios')).toEqual([]);
  expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['a\n', 0o600]);
});

it("VMware's stand-in has its disk controller and network cards, and no other", () => {
  const list = args(vmware, request('bios'), withMachine({ nics: [{ mac: '00:50:56:00:00:01' }] }));
  expect(after(list, '-device')).toEqual([
    'virtio-rng-pci,rng=rng0',
    'pvscsi,id=scsi0',
    'scsi-hd,bus=scsi0.0,drive=disk,bootindex=1',
    'vmxnet3,romfile=,netdev=net0,mac=00:50:56:00:00:01',
  ]);
  expect(after(list, '-drive')[0]).toContain('file=/s/a,,b.qcow2,');
});
