/**
 * A guest of QEMU as its command line: what `run.sh` and `vsec boot` have in common, and what only
 * the latter needs. The options are those of qemu-system-x86_64(1).
 */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import type { NicConfig } from '../../vse/types.ts';
import type { BootPlan, BootRequest, GoldenImage } from '../backend.ts';
import { mebibytes } from './machine.ts';
import { kernelCommandLine, qemuValue } from './quote.ts';

/** The serial port that the console is on, whatever its speed. */
const CONSOLE = /^console=ttyS0(,|$)/;

/** What TCG emulates: the cheapest, enough for any amd64 distribution, and Xen starts on it too. */
export const TCG_CPU = 'qemu64';

/**
 * Without graphics SeaBIOS also writes to the serial port, so that a boot loader which fails
 * before it has a console of its own is heard.
 */
export function machineArgs(image: GoldenImage): readonly string[] {
  return [
    ...['-machine', 'q35,graphics=off'],
    ...['-m', String(mebibytes(image.machine.memory))],
    ...['-smp', String(image.machine.vcpus)],
    ...['-object', 'rng-random,id=rng0,filename=/dev/urandom'],
    ...['-device', 'virtio-rng-pci,rng=rng0'],
  ];
}

/** Values of `-netdev` and `-device` for one interface; user networking needs no privilege. */
export function nicArgs(
  nic: NicConfig,
  index: number,
): { readonly netdev: string; readonly device: string } {
  const mac = nic.mac === undefined ? '' : `,mac=${qemuValue(nic.mac)}`;
  return { netdev: `user,id=net${index}`, device: `virtio-net-pci,netdev=net${index}${mac}` };
}

/** Arguments for a kernel that is started directly: the last console becomes `/dev/console`. */
export function directCommandLine(image: GoldenImage): string {
  const console = image.cmdline.findLast((arg) => CONSOLE.test(arg)) ?? 'console=ttyS0';
  return kernelCommandLine([...image.cmdline.filter((arg) => !CONSOLE.test(arg)), console]);
}

/** The plan for `vsec boot`. Copies the firmware's variables, when it has some, to the scratch. */
export function qemuPlan(image: GoldenImage, request: BootRequest): BootPlan {
  const { toolboxRoot, accelerator, login } = request;
  // Its data would be looked for beside the dynamic loader that starts it.
  const data = ['usr/share/qemu', 'usr/share/seabios', 'usr/lib/ipxe/qemu'];
  return {
    program: 'qemu-system-x86_64',
    args: [
      ...data.flatMap((dir) => ['-L', join(toolboxRoot, dir)]),
      ...['-name', qemuValue(image.stem)],
      ...(accelerator === 'kvm'
        ? ['-accel', 'kvm', '-cpu', 'host']
        : ['-accel', 'tcg,thread=multi', '-cpu', TCG_CPU]),
      ...machineArgs(image),
      '-nodefaults',
      '-no-user-config',
      ...['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
      // From the disk or not at all: firmware would try the network for minutes.
      ...['-boot', 'strict=on'],
      ...['-drive', `file=${qemuValue(request.disk)},format=qcow2,if=none,id=disk,cache=unsafe`],
      ...['-device', 'virtio-blk-pci,drive=disk,bootindex=1'],
      ...firmwareArgs(image, request),
      ...networkArgs(image.machine.nics, login?.port),
      ...Object.entries(login?.credentials ?? {}).flatMap(([name, value]) => [
        '-smbios',
        `type=11,value=io.systemd.credential.binary:${qemuValue(`${name}=${value}`)}`,
      ]),
    ],
    env: { QEMU_MODULE_DIR: join(toolboxRoot, 'usr/lib/x86_64-linux-gnu/qemu') },
  };
}

function firmwareArgs(image: GoldenImage, request: BootRequest): readonly string[] {
  switch (request.firmware) {
    case 'bios':
      return [];
    case 'uefi':
      return uefiArgs(request);
    case 'kernel': {
      if (image.kernel === undefined)
        throw failure('BOOT010', `${image.stem} has no kernel beside its image`, {
          hint: 'boot it with --firmware bios or --firmware uefi',
        });
      const initrd =
        image.initrd === undefined ? [] : ['-initrd', join(request.bundle, image.initrd)];
      return [
        ...['-kernel', join(request.bundle, image.kernel)],
        ...initrd,
        ...['-append', directCommandLine(image)],
      ];
    }
    case 'pygrub':
      throw failure('BOOT011', 'only a Xen host has pygrub', {
        hint: 'boot with --firmware bios, uefi or kernel, or with --backend xen-pv',
      });
  }
}

function uefiArgs({ toolboxRoot, scratch }: BootRequest): readonly string[] {
  const firmware = join(toolboxRoot, 'usr/share/OVMF');
  const variables = join(scratch, 'ovmf-vars.fd');
  copyFileSync(join(firmware, 'OVMF_VARS_4M.fd'), variables);
  const code = qemuValue(join(firmware, 'OVMF_CODE_4M.fd'));
  return [
    ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${code}`],
    ...['-drive', `if=pflash,format=raw,unit=1,file=${qemuValue(variables)}`],
  ];
}

function networkArgs(nics: readonly NicConfig[], port: number | undefined): readonly string[] {
  const wanted = nics.length === 0 && port !== undefined ? [{}] : nics;
  if (wanted.length === 0) return ['-nic', 'none'];
  return wanted.flatMap((nic, index) => {
    const { netdev, device } = nicArgs(nic, index);
    const forward = index === 0 && port !== undefined ? `,hostfwd=tcp:127.0.0.1:${port}-:22` : '';
    return ['-netdev', `${netdev}${forward}`, '-device', `${device},romfile=`];
  });
}
