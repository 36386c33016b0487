/**
 * A host that carries Xen. The boot menu inside the image starts it (templates/guest/grub.cfg.hbs);
 * the glue is for boot loaders outside: GRUB legacy, and UEFI with xen.efi.
 */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagnostic } from '../../vse/diagnostic.ts';
import { error, failure, warning } from '../../vse/diagnostic.ts';
import type {
  Backend,
  BootPlan,
  BootRequest,
  GlueFile,
  GoldenImage,
  HostHypervisor,
} from '../backend.ts';
import { render } from '../templates.ts';
import { checkImage } from './machine.ts';
import { FORMATS } from './qemu-glue.ts';
import { qemuPlan } from './qemu-guest.ts';
import { grubLegacy, kernelCommandLine, qemuValue, spaceless, xenEfi } from './quote.ts';
import { checkXenEntry } from './xen-check.ts';

const MIB = 2 ** 20;
/** Less than this and a distribution's kernel does not even come up in dom0. */
const LEAST_DOM0 = 256 * MIB;
/** Xen's own, and what it keeps for its tables. */
const XEN_MEMORY = 64 * MIB;

export const xenHost: Backend = {
  name: 'xen-host',
  summary: 'a host with Xen in the image: its own boot menu, GRUB legacy, and xen.cfg for UEFI',
  formats: FORMATS,
  firmwares: ['bios', 'uefi', 'xen-efi'],
  xenRole: 'dom0',
  check(image) {
    if (!image.hypervisor)
      return [
        error('BUILD446', `${image.name} carries no hypervisor`, {
          hint: 'set hypervisor.package, or extend debian-12-xen-host; or leave out xen-host',
        }),
      ];
    const found = checkImage('xen-host', image, ['qcow2', 'raw'], xenHost.emit);
    if (found.length > 0) return found;
    return [...checkXenEntry(image, 'pv'), ...checkDom0Memory(image, image.hypervisor)];
  },
  emit: (image) => (image.hypervisor ? hostGlue(image, image.hypervisor) : []),
  boot: (image, request) =>
    request.firmware === 'xen-efi' ? efiPlan(image, request) : qemuPlan(image, request),
};

/**
 * UEFI, and the bundle's files on a partition for it as xen.cfg says: the image's boot loader plays
 * no part. The disk is a folder that QEMU shows as a FAT file system.
 */
function efiPlan(image: GoldenImage, request: BootRequest): BootPlan {
  const { efi } = image.hypervisor ?? {};
  if (efi === undefined)
    throw failure('BOOT014', `${image.stem} has no hypervisor that UEFI itself can start`, {
      hint: "its package has none: boot with --firmware uefi, through the image's boot loader",
    });
  const partition = join(request.scratch, 'esp');
  // Where firmware looks that was told nothing; PROGRAM.efi reads PROGRAM.cfg.
  const folder = join(partition, 'EFI/BOOT');
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(request.bundle, efi), join(folder, 'BOOTX64.EFI'));
  copyFileSync(join(request.bundle, 'boot/xen-host/xen.cfg'), join(folder, 'BOOTX64.CFG'));
  for (const name of [image.kernel, image.initrd])
    if (name !== undefined) copyFileSync(join(request.bundle, name), join(folder, name));
  const plan = qemuPlan(image, { ...request, firmware: 'uefi' });
  const drive = `file=fat:${qemuValue(partition)},format=raw,if=none,id=esp,readonly=on`;
  return {
    ...plan,
    args: [...plan.args, ...['-drive', drive, '-device', 'virtio-blk-pci,drive=esp,bootindex=0']],
  };
}

function hostGlue(image: GoldenImage, hypervisor: HostHypervisor): readonly GlueFile[] {
  const { kernel = '', initrd } = image;
  const line = (args: readonly string[]): string => kernelCommandLine(args);
  const inBoot = (file: string, args: readonly string[] = []): string =>
    [`/boot/${spaceless(grubLegacy, file)}`, ...(args.length > 0 ? [line(args)] : [])].join(' ');
  return [
    {
      path: 'menu.lst',
      content: render('xen/menu.lst.hbs', grubLegacy, {
        title: `${image.name} ${image.version}`,
        hypervisor: inBoot(hypervisor.image, hypervisor.cmdline),
        dom0: inBoot(kernel, hypervisor.dom0),
        kernel: inBoot(kernel, image.cmdline),
        initrd: initrd === undefined ? null : inBoot(initrd),
      }),
      mode: 0o644,
    },
    {
      path: 'xen.cfg',
      content: render('xen/xen.cfg.hbs', xenEfi, {
        options: line(hypervisor.cmdline),
        kernel: `${spaceless(xenEfi, kernel)} ${line(hypervisor.dom0)}`,
        ramdisk: initrd === undefined ? null : spaceless(xenEfi, initrd),
      }),
      mode: 0o644,
    },
  ];
}

/** `dom0_mem=512M,max:512M`: the first of its parts that is an amount and no bound. */
function dom0Memory({ cmdline }: HostHypervisor): string | undefined {
  const value = cmdline.find((argument) => argument.startsWith('dom0_mem='))?.slice(9);
  return value?.split(',').find((part) => /^\d/.test(part));
}

function checkDom0Memory(image: GoldenImage, hypervisor: HostHypervisor): readonly Diagnostic[] {
  const amount = dom0Memory(hypervisor);
  if (amount === undefined) return [];
  const found: Diagnostic[] = [];
  if (/^\d+$/.test(amount))
    found.push(
      warning('BUILD447', `dom0_mem=${amount} is ${amount} KiB`, {
        notes: [{ message: 'Xen takes a number without a unit for KiB' }],
        hint: `write what is meant, as in dom0_mem=${Math.ceil(Number(amount) / 1024)}M`,
      }),
    );
  const bytes = bytesOf(amount);
  if (bytes === undefined) return found;
  if (bytes < LEAST_DOM0)
    found.push(
      warning('BUILD448', `dom0 gets ${Math.floor(bytes / MIB)} MiB of memory`, {
        notes: [{ message: 'option hypervisor.cmdline.dom0_mem' }],
        hint: 'give it 256M or more, or it may not come up',
      }),
    );
  if (bytes + XEN_MEMORY > image.machine.memory)
    found.push(
      warning('BUILD448', `dom0 and Xen need more memory than the machine has`, {
        notes: [{ message: `dom0_mem=${amount}, machine.memory ${image.machine.memory / MIB}MiB` }],
        hint: 'enlarge machine.memory, or make dom0_mem smaller',
      }),
    );
  return found;
}

/** Xen's sizes: a number of KiB, or with one of these letters. */
function bytesOf(amount: string): number | undefined {
  const [, number, unit = 'K'] = /^(\d+)([BKMGT]?)$/i.exec(amount) ?? [];
  if (number === undefined) return undefined;
  return Number(number) * 1024 ** 'BKMGT'.indexOf((unit || 'K').toUpperCase());
}
