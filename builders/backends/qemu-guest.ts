/**
 * A guest of QEMU as its command line: what `run.sh` and `vsec boot` have in common, and what only
 * the latter needs. The options are those of qemu-system-x86_64(1).
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import type { BootPlan, BootRequest, GoldenImage, GuestLogin } from '../backend.ts';
import { mebibytes } from './machine.ts';
import { networkArgs } from './qemu-network.ts';
import { kernelCommandLine, qemuValue } from './quote.ts';

/** The serial port that the console is on, whatever its speed. */
const CONSOLE = /^console=ttyS0(,|$)/;

/** What TCG emulates: the cheapest, enough for any amd64 distribution, and Xen starts on it too. */
export const TCG_CPU = 'qemu64';

/** The devices of a guest, as far as hypervisors differ in them. */
export interface Hardware {
  /** Value of `-machine`. */
  readonly machine: string;
  /** Options that attach the drive `disk`. */
  readonly disk: readonly string[];
  /** Model of the network cards. */
  readonly nic: string;
  /** Whether cards come with a boot ROM, which is left out unless it is to be used. */
  readonly roms: boolean;
  readonly rng: string;
  /** Whether the firmware has tables for strings of ours; else they go through QEMU's own device. */
  readonly smbios: boolean;
}

/**
 * Without graphics SeaBIOS also writes to the serial port, so that a boot loader which fails
 * before it has a console of its own is heard.
 */
export const PC: Hardware = {
  machine: 'q35,graphics=off',
  disk: ['-device', 'virtio-blk-pci,drive=disk,bootindex=1'],
  nic: 'virtio-net-pci',
  roms: true,
  rng: 'virtio-rng-pci',
  smbios: true,
};

/** No PCI: devices are announced by ACPI, for which Debian's kernel has the driver. */
export const MICROVM: Hardware = {
  machine: 'microvm,acpi=on',
  disk: ['-device', 'virtio-blk-device,drive=disk'],
  nic: 'virtio-net-device',
  roms: false,
  rng: 'virtio-rng-device',
  smbios: false,
};

/**
 * What starts a microvm's kernel. SeaBIOS, which QEMU would take for a microvm with ACPI, keeps its
 * tables and queues at the end of memory, where QEMU has put the initrd: it comes out damaged.
 */
export const MICROVM_BIOS = 'qboot.rom';

/** The machine's size. */
export function sizeArgs(image: GoldenImage): readonly string[] {
  return [
    ...['-m', String(mebibytes(image.machine.memory))],
    ...['-smp', String(image.machine.vcpus)],
    ...['-object', 'rng-random,id=rng0,filename=/dev/urandom'],
  ];
}

/** Arguments for a kernel that is started directly: the last console becomes `/dev/console`. */
export function directCommandLine(image: GoldenImage): string {
  const console = image.cmdline.findLast((arg) => CONSOLE.test(arg)) ?? 'console=ttyS0';
  return kernelCommandLine([...image.cmdline.filter((arg) => !CONSOLE.test(arg)), console]);
}

/** The plan of the backends `qemu` and `kvm`. */
export const qemuPlan = (image: GoldenImage, request: BootRequest): BootPlan =>
  planFor(image, request, request.firmware === 'microvm' ? MICROVM : PC);

/** A plan for `vsec boot`. Copies the firmware's variables, when it has some, to the scratch. */
export function planFor(image: GoldenImage, request: BootRequest, hardware: Hardware): BootPlan {
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
      ...['-machine', hardware.machine],
      ...sizeArgs(image),
      ...['-device', `${hardware.rng},rng=rng0`],
      '-nodefaults',
      '-no-user-config',
      ...['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
      // From the disk or not at all: firmware would try the network for minutes.
      ...['-boot', 'strict=on'],
      ...(request.disk === undefined ? [] : [...driveArgs(request.disk), ...hardware.disk]),
      ...firmwareArgs(image, request),
      ...networkArgs(image.machine.nics, hardware, { port: login?.port, pxe: request.pxe }),
      ...(login ? credentialArgs(login, request.scratch, hardware) : []),
    ],
    env: { QEMU_MODULE_DIR: join(toolboxRoot, 'usr/lib/x86_64-linux-gnu/qemu') },
  };
}

const driveArgs = (path: string): readonly string[] => [
  '-drive',
  `file=${qemuValue(path)},format=qcow2,if=none,id=disk,cache=unsafe`,
];

function firmwareArgs(image: GoldenImage, request: BootRequest): readonly string[] {
  switch (request.firmware) {
    case 'bios':
    case 'ipxe':
    case 'grub':
      return [];
    case 'uefi':
      return uefiArgs(request);
    case 'kernel':
      return kernelArgs(image, request, []);
    case 'microvm':
      // It cannot be reset but by a triple fault.
      return [
        ...['-bios', MICROVM_BIOS],
        ...kernelArgs(image, request, ['reboot=t', ...timeStamps(request)]),
      ];
    case 'pygrub':
    case 'pvgrub':
    case 'xen-efi':
    case 'xen':
      throw failure('BOOT011', `only a Xen host can start a guest by ${request.firmware}`, {
        hint: 'boot with --firmware bios, uefi or kernel, or with --backend xen-pv',
      });
  }
}

/**
 * A microvm has no clock by which a kernel could measure how fast an emulated processor's time stamps
 * run, but for a way that fails when the host is busy; then the kernel waits without end. They are the
 * host's own (tsc_early_khz in the kernel's kernel-parameters).
 */
function timeStamps({ accelerator }: BootRequest): readonly string[] {
  if (accelerator !== 'tcg') return [];
  const [, megahertz] = /^cpu MHz\s*: ([\d.]+)/m.exec(readFileSync('/proc/cpuinfo', 'utf8')) ?? [];
  return megahertz === undefined ? [] : [`tsc_early_khz=${Math.round(Number(megahertz) * 1000)}`];
}

function kernelArgs(
  image: GoldenImage,
  request: BootRequest,
  more: readonly string[],
): readonly string[] {
  if (image.kernel === undefined)
    throw failure('BOOT010', `${image.stem} has no kernel beside its image`, {
      hint: 'boot it with --firmware bios or --firmware uefi',
    });
  return [
    ...['-kernel', join(request.bundle, image.kernel)],
    ...(image.initrd === undefined ? [] : ['-initrd', join(request.bundle, image.initrd)]),
    ...['-append', [directCommandLine(image), ...more].join(' ')],
  ];
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

/** Both ways that systemd looks at in a guest of QEMU (systemd.exec(5), CREDENTIALS). */
function credentialArgs(
  { credentials }: GuestLogin,
  scratch: string,
  { smbios }: Hardware,
): readonly string[] {
  return Object.entries(credentials).flatMap(([name, value]) => {
    if (smbios)
      return [
        '-smbios',
        `type=11,value=io.systemd.credential.binary:${qemuValue(`${name}=${value}`)}`,
      ];
    const file = join(scratch, `credential-${name}`);
    writeFileSync(file, Buffer.from(value, 'base64'), { mode: 0o600 });
    return ['-fw_cfg', `name=opt/io.systemd.credentials/${name},file=${qemuValue(file)}`];
  });
}
