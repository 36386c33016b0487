/** The golden image as a raw disk: made of the canonical tar, without root or loop devices. */
import { closeSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { failure } from '../../vse/diagnostic.ts';
import { mustRun } from '../sandbox/programs.ts';
import type { Toolbox } from '../toolbox.ts';
import { embedBiosGrub, writeEsp } from './boot-loader.ts';
import { measureTar } from './content.ts';
import type { Layout, Partition } from './layout.ts';
import { automaticRootSize, layoutFor, rootSizeOn } from './layout.ts';
import { derivedUuid } from './uuid.ts';

export interface DiskRecipe {
  /** The canonical tar. */
  readonly tar: string;
  /** `sha256:…` of it; every identifier on the disk follows from this. */
  readonly rootfsDigest: string;
  readonly rootLabel: string;
  readonly filesystem: string;
  /** Bytes, or `auto`. */
  readonly size: number | 'auto';
  /** Seconds since 1970. */
  readonly epoch: number;
  /** Private folder for intermediate files. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

export interface Disk {
  readonly size: number;
  /** UUID of the root file system, by which a booted guest shows which tree it runs. */
  readonly rootUuid: string;
}

/** The file system's UUID of the tree with this digest. */
export const rootUuidOf = (rootfsDigest: string): string => derivedUuid(rootfsDigest, 'root');

async function writeTable(toolbox: Toolbox, disk: string, layout: Layout, digest: string) {
  const partition = (p: Partition): string[] => [
    `--new=${p.number}:${p.offset / 512}:${(p.offset + p.size) / 512 - 1}`,
    `--typecode=${p.number}:${p.type}`,
    `--change-name=${p.number}:${p.name}`,
    `--partition-guid=${p.number}:${derivedUuid(digest, 'partition', p.name)}`,
  ];
  const { file, args, env } = toolbox.command('sgdisk', [
    '--set-alignment=2048',
    `--disk-guid=${derivedUuid(digest, 'disk')}`,
    ...[layout.bios, layout.esp, layout.root].flatMap(partition),
    disk,
  ]);
  await mustRun('writing the partition table', file, args, { env });
}

async function writeRoot(toolbox: Toolbox, disk: string, layout: Layout, recipe: DiskRecipe) {
  const uuid = rootUuidOf(recipe.rootfsDigest);
  const { file, args, env } = toolbox.command('mke2fs', [
    '-q',
    '-F',
    '-t',
    'ext4',
    '-b',
    '4096',
    '-m',
    '1',
    '-L',
    recipe.rootLabel,
    '-U',
    uuid,
    '-E',
    `hash_seed=${uuid},offset=${layout.root.offset},lazy_itable_init=1,lazy_journal_init=1,nodiscard`,
    // GRUB and e2fsck of older distributions read these file systems too.
    '-O',
    '^metadata_csum_seed,^orphan_file',
    '-d',
    recipe.tar,
    disk,
    String(layout.root.size / 4096),
  ]);
  const time = String(recipe.epoch);
  await mustRun('making the root file system', file, args, {
    env: { ...env, SOURCE_DATE_EPOCH: time, E2FSPROGS_FAKE_TIME: time },
    signal: recipe.signal,
  });
}

/** Writes the disk image to `path`; removes it again when a step fails. */
export async function writeDisk(toolbox: Toolbox, path: string, recipe: DiskRecipe): Promise<Disk> {
  if (recipe.filesystem !== 'ext4')
    throw failure('BUILD191', `file system ${recipe.filesystem} is not supported`, {
      notes: [{ message: 'option image.filesystem' }],
      hint: 'use ext4',
    });
  const content = measureTar(recipe.tar);
  const needed = automaticRootSize(content.bytes, content.entries);
  const rootSize = recipe.size === 'auto' ? needed : rootSizeOn(recipe.size);
  const least = content.bytes + content.entries * 512 + (80 << 20);
  if (rootSize < least)
    throw failure('BUILD192', `the image's size is too small for what is in it`, {
      notes: [
        { message: 'option image.size' },
        {
          message: `${mib(recipe.size as number)} asked for, at least ${mib(least + (40 << 20))} needed`,
        },
      ],
      hint: 'use a larger size, or auto',
    });
  const layout = layoutFor(rootSize);
  const fd = openSync(path, 'wx');
  ftruncateSync(fd, layout.size);
  closeSync(fd);
  try {
    await writeTable(toolbox, path, layout, recipe.rootfsDigest);
    await writeRoot(toolbox, path, layout, recipe);
    const volumeId = derivedUuid(recipe.rootfsDigest, 'esp').slice(0, 8);
    await writeEsp(toolbox, path, layout, recipe.rootLabel, volumeId, recipe.epoch, recipe.scratch);
    await embedBiosGrub(toolbox, path, layout.bios, recipe.rootLabel, recipe.scratch);
  } catch (e) {
    rmSync(path, { force: true });
    throw e;
  }
  return { size: layout.size, rootUuid: rootUuidOf(recipe.rootfsDigest) };
}

const mib = (bytes: number): string => `${Math.ceil(bytes / (1 << 20))} MiB`;
