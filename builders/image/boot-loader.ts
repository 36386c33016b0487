/** GRUB on the disk without a loop device or root: for BIOS and for UEFI. */
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import { grub } from '../backends/quote.ts';
import { mustRun } from '../sandbox/programs.ts';
import { render } from '../templates.ts';
import type { Toolbox } from '../toolbox.ts';
import type { Layout, Partition } from './layout.ts';
import { SECTOR } from './layout.ts';

const COMMON = [
  ...['normal', 'configfile', 'part_gpt', 'part_msdos', 'ext2', 'xfs', 'fat', 'btrfs'],
  ...['search', 'search_label', 'search_fs_uuid', 'linux', 'echo', 'test', 'ls', 'cat'],
  ...['serial', 'terminal', 'reboot', 'halt', 'boot', 'gzio', 'zstd', 'minicmd', 'sleep', 'true'],
];
const MODULES = {
  'i386-pc': [...COMMON, 'biosdisk', 'multiboot', 'multiboot2'],
  'x86_64-efi': [...COMMON, 'multiboot2', 'efi_gop', 'all_video', 'efifwsetup', 'chain'],
} as const;

export type GrubTarget = keyof typeof MODULES;

/** Makes one self-contained image that finds the root by its label and reads its grub.cfg. */
export async function grubImage(
  toolbox: Toolbox,
  target: GrubTarget,
  rootLabel: string,
  scratch: string,
): Promise<Buffer> {
  const early = join(scratch, `early-${target}.cfg`);
  const image = join(scratch, `grub-${target}.img`);
  writeFileSync(early, render('guest/grub-early.cfg.hbs', grub, { label: rootLabel }));
  const { file, args, env } = toolbox.command('grub-mkimage', [
    `--directory=${join(toolbox.root, 'usr/lib/grub', target)}`,
    `--format=${target}`,
    '--prefix=/boot/grub',
    `--config=${early}`,
    `--output=${image}`,
    ...MODULES[target],
  ]);
  await mustRun(`making GRUB for ${target}`, file, args, { env });
  const bytes = readFileSync(image);
  rmSync(image);
  rmSync(early);
  return bytes;
}

/** Bytes of boot.img that are code; the partition table's entries follow. */
const BOOT_CODE = 440;
/** In boot.img: the 64-bit sector number of the core image. */
const KERNEL_SECTOR = 0x5c;
/** In boot.img: a jump that skips a drive check; two no-ops keep the firmware's drive number. */
const DRIVE_CHECK = 0x66;
/** In the first sector of core.img: the last block list entry. */
const BLOCK_LIST = 0x1f4;
/** Where the block list loads the rest of the core image, as a real-mode segment. */
const LOAD_SEGMENT = 0x820;

/**
 * Embeds GRUB for BIOS as its `grub-bios-setup` does: boot.img's code in the first sector, the
 * core image in the BIOS boot partition.
 */
export async function embedBiosGrub(
  toolbox: Toolbox,
  disk: string,
  partition: Partition,
  rootLabel: string,
  scratch: string,
): Promise<void> {
  const boot = Buffer.from(
    readFileSync(join(toolbox.root, 'usr/lib/grub/i386-pc/boot.img')).subarray(0, BOOT_CODE),
  );
  const core = await grubImage(toolbox, 'i386-pc', rootLabel, scratch);
  if (core.length > partition.size)
    throw failure('BUILD190', `GRUB's core image is larger than its partition`, {
      notes: [{ message: `${core.length} bytes in ${partition.size}` }],
    });
  const first = BigInt(partition.offset / SECTOR);
  boot.writeBigUInt64LE(first, KERNEL_SECTOR);
  boot.writeUInt16LE(0x9090, DRIVE_CHECK);
  core.writeBigUInt64LE(first + 1n, BLOCK_LIST);
  core.writeUInt16LE(Math.ceil(core.length / SECTOR) - 1, BLOCK_LIST + 8);
  core.writeUInt16LE(LOAD_SEGMENT, BLOCK_LIST + 10);
  const fd = openSync(disk, 'r+');
  try {
    writeSync(fd, boot, 0, boot.length, 0);
    writeSync(fd, core, 0, core.length, partition.offset);
  } finally {
    closeSync(fd);
  }
}

/** Makes the EFI system partition in place: FAT32 with the fallback loader of UEFI, 3.5.1.1. */
export async function writeEsp(
  toolbox: Toolbox,
  disk: string,
  layout: Layout,
  rootLabel: string,
  volumeId: string,
  epoch: number,
  scratch: string,
): Promise<void> {
  const loader = join(scratch, 'BOOTX64.EFI');
  writeFileSync(loader, await grubImage(toolbox, 'x86_64-efi', rootLabel, scratch));
  const { esp } = layout;
  const mkfs = toolbox.command('mkfs.fat', [
    '--invariant',
    '-F32',
    '-s1',
    '-S512',
    '-nESP',
    `-i${volumeId}`,
    `--offset=${esp.offset / SECTOR}`,
    disk,
    String(esp.size / 1024),
  ]);
  await mustRun('making the EFI system partition', mkfs.file, mkfs.args, { env: mkfs.env });
  const image = `${disk}@@${esp.offset}`;
  const time = { SOURCE_DATE_EPOCH: String(epoch) };
  const mmd = toolbox.command('mmd', ['-i', image, '::/EFI', '::/EFI/BOOT']);
  await mustRun('making folders on the EFI system partition', mmd.file, mmd.args, {
    env: { ...mmd.env, ...time },
  });
  const mcopy = toolbox.command('mcopy', ['-i', image, loader, '::/EFI/BOOT/BOOTX64.EFI']);
  await mustRun('copying GRUB to the EFI system partition', mcopy.file, mcopy.args, {
    env: { ...mcopy.env, ...time },
  });
  rmSync(loader);
}
