/** The golden image as a raw disk: made of the canonical tar, without root or loop devices. */
import { closeSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { failure } from '../../vse/diagnostic.ts';
import type { Extent, Known } from '../digest.ts';
import { Frontier } from '../frontier.ts';
import { mustRun } from '../sandbox/programs.ts';
import { sideBySide } from '../../repos/together.ts';
import type { Toolbox } from '../toolbox.ts';
import { embedBiosGrub, writeEsp } from './boot-loader.ts';
import { measure } from './content.ts';
import { BLOCK } from './ext4/geometry.ts';
import type { Ext4Plan } from './ext4/plan.ts';
import { planExt4 } from './ext4/plan.ts';
import { writeExt4 } from './ext4/write.ts';
import type { Layout, Partition } from './layout.ts';
import { automaticRootSize, layoutFor, rootSizeOn } from './layout.ts';
import { tarEntries } from './tar-entries.ts';
import { tooSmall } from './too-small.ts';
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
  /** Called as soon as it is known which parts of the disk hold anything. */
  readonly follow: (known: Known) => void;
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

/** Bytes; to read less costs nothing. */
const LEAST_HOLE = 1 << 20;

/** The parts of the disk: all of `layout` but its root is read as it is. */
function extentsOf({ root, size }: Layout, plan: Ext4Plan): readonly Extent[] {
  const parts = [
    ...plan.blocks.map(({ block, bytes }) => ({ start: block * BLOCK, length: bytes.length })),
    ...plan.copies.map(({ to, length }) => ({ start: to, length })),
  ].sort((a, b) => a.start - b.start);
  const extents: { start: number; length: number; zero: boolean }[] = [];
  const add = (start: number, length: number, hole: boolean): void => {
    const last = extents.at(-1);
    const zero = hole && length >= LEAST_HOLE;
    if (length === 0) return;
    if (last?.zero === zero) last.length += length;
    else extents.push({ start, length, zero });
  };
  add(0, root.offset, false);
  let end = 0;
  for (const { start, length } of parts) {
    add(root.offset + end, start - end, true);
    add(root.offset + start, length, false);
    end = start + length;
  }
  add(root.offset + end, root.size - end, true);
  add(root.offset + root.size, size - root.offset - root.size, false);
  return extents;
}

/** Everything but the root file system; programs do it, beside what we do ourselves. */
async function writeBoot(toolbox: Toolbox, disk: string, layout: Layout, recipe: DiskRecipe) {
  const { rootfsDigest: digest, rootLabel, epoch, scratch } = recipe;
  const volumeId = derivedUuid(digest, 'esp').slice(0, 8);
  await Promise.all([
    writeTable(toolbox, disk, layout, digest).then(() =>
      embedBiosGrub(toolbox, disk, layout.bios, rootLabel, scratch),
    ),
    writeEsp(toolbox, disk, layout, rootLabel, volumeId, epoch, scratch),
  ]);
}

/** How far the disk is final: nowhere before the programs are done that write to its ends. */
class Progress {
  readonly frontier = new Frontier();
  #offset = 0;
  #held = true;

  release(): void {
    this.#held = false;
    this.frontier.advance(this.#offset);
  }

  settled(offset: number): void {
    this.#offset = offset;
    if (!this.#held) this.frontier.advance(offset);
  }
}

/** Writes the disk image to `path`; removes it again when a step fails. */
export async function writeDisk(toolbox: Toolbox, path: string, recipe: DiskRecipe): Promise<Disk> {
  if (recipe.filesystem !== 'ext4')
    throw failure('BUILD191', `file system ${recipe.filesystem} is not supported`, {
      notes: [{ message: 'option image.filesystem' }],
      hint: 'use ext4',
    });
  const entries = [...tarEntries(recipe.tar)];
  const content = measure(entries);
  const needed = automaticRootSize(content.bytes, content.entries);
  const rootSize = recipe.size === 'auto' ? needed : rootSizeOn(recipe.size);
  const least = content.bytes + content.entries * 512 + (80 << 20);
  if (rootSize < least) throw tooSmall(recipe.size as number, least + (40 << 20));
  const layout = layoutFor(rootSize);
  const uuid = rootUuidOf(recipe.rootfsDigest);
  const fd = openSync(path, 'wx');
  ftruncateSync(fd, layout.size);
  closeSync(fd);
  const progress = new Progress();
  try {
    await sideBySide(recipe.signal, [
      () => writeBoot(toolbox, path, layout, recipe).then(() => progress.release()),
      async (signal) => {
        const { tar, rootLabel: label, epoch } = recipe;
        const plan = planExt4({ entries, size: layout.root.size, label, uuid, epoch });
        recipe.follow({ extents: extentsOf(layout, plan), frontier: progress.frontier });
        const settled = (offset: number): void => progress.settled(offset);
        await writeExt4(plan, tar, { disk: path, offset: layout.root.offset, signal, settled });
      },
    ]);
    progress.frontier.close(layout.size);
  } catch (e) {
    rmSync(path, { force: true });
    throw e;
  }
  return { size: layout.size, rootUuid: uuid };
}
