/** Which blocks and inodes of each group are in use. */
import type { Geometry, Range } from './geometry.ts';
import { BLOCK, FIRST_INODE, GROUP_BLOCKS } from './geometry.ts';
import type { GroupUse } from './superblock.ts';

/**
 * The use of each group. `used`: ranges of blocks; `inodes`: how many are in use, the reserved ones
 * among them, from the first on; `folders`: numbers of those that are folders'.
 */
export function groupUses(
  geometry: Geometry,
  used: readonly Range[],
  inodes: number,
  folders: readonly number[],
): readonly GroupUse[] {
  const { groups, inodesPerGroup } = geometry;
  const bitmaps = blockBitmaps(geometry, used);
  const inFolders = groups.map(() => 0);
  for (const ino of folders) {
    const group = Math.floor((ino - 1) / inodesPerGroup);
    inFolders[group] = (inFolders[group] ?? 0) + 1;
  }
  return groups.map((group, index) => {
    const { bitmap, taken } = bitmaps[index] as Taken;
    const inUse = Math.max(0, Math.min(inodesPerGroup, inodes - index * inodesPerGroup));
    return {
      freeBlocks: group.blocks - taken,
      freeInodes: inodesPerGroup - inUse,
      folders: inFolders[index] ?? 0,
      blockBitmap: bitmap,
      inodeBitmap: inUse > 0 ? inodeBitmap(inUse, inodesPerGroup) : undefined,
      untouched: inodesPerGroup - inUse,
    };
  });
}

interface Taken {
  readonly bitmap: Buffer | undefined;
  readonly taken: number;
}

/** None for groups in which nothing but copies of the superblock and descriptors is in use. */
function blockBitmaps(geometry: Geometry, used: readonly Range[]): readonly Taken[] {
  const { groups, descriptorBlocks, reservedBlocks } = geometry;
  const pieces = groups.map((): Range[] => []);
  for (const { start, count } of used)
    for (let at = start, end = start + count; at < end;) {
      const group = Math.floor(at / GROUP_BLOCKS);
      const stop = Math.min(end, (group + 1) * GROUP_BLOCKS);
      pieces[group]?.push({ start: at - group * GROUP_BLOCKS, count: stop - at });
      at = stop;
    }
  return groups.map((group, index) => {
    const taken = (pieces[index] ?? []).reduce((sum, { count }) => sum + count, 0);
    const own = group.super ? 1 + descriptorBlocks + reservedBlocks : 0;
    const isLast = index === groups.length - 1;
    if (taken === own && index > 0 && !isLast) return { bitmap: undefined, taken };
    const bitmap = Buffer.alloc(BLOCK);
    for (const { start, count } of pieces[index] ?? []) setBits(bitmap, start, count);
    setBits(bitmap, group.blocks, GROUP_BLOCKS - group.blocks);
    return { bitmap, taken };
  });
}

function inodeBitmap(inUse: number, inodesPerGroup: number): Buffer {
  const bitmap = Buffer.alloc(BLOCK);
  setBits(bitmap, 0, inUse);
  setBits(bitmap, inodesPerGroup, BLOCK * 8 - inodesPerGroup);
  return bitmap;
}

function setBits(bitmap: Buffer, start: number, count: number): void {
  const end = start + count;
  const set = (bit: number): void => {
    bitmap[bit >> 3] = (bitmap[bit >> 3] as number) | (1 << (bit & 7));
  };
  let at = start;
  for (; at < end && (at & 7) !== 0; at++) set(at);
  const whole = (end - at) >> 3;
  if (whole > 0) bitmap.fill(0xff, at >> 3, (at >> 3) + whole);
  for (at += Math.max(0, whole) * 8; at < end; at++) set(at);
}

/** Inodes that are in use when `files` are: those below the first that is not reserved are, too. */
export const inodesInUse = (files: number): number => FIRST_INODE - 1 + Math.max(0, files - 1);
