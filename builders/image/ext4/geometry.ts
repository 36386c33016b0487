/**
 * Where the parts of an ext4 file system are that its size alone decides: the format is described in the
 * kernel's documentation (ext4, "Layout", "Block Group Descriptors"). Numbers of blocks throughout.
 */

/** Bytes. */
export const BLOCK = 4096;
export const INODE_SIZE = 256;
export const DESCRIPTOR_SIZE = 64;
/** One block of bitmap tells of so many. */
export const GROUP_BLOCKS = 8 * BLOCK;
/** The first inode that is not reserved: lost+found. */
export const FIRST_INODE = 11;

const INODES_PER_BLOCK = BLOCK / INODE_SIZE;
const DESCRIPTORS_PER_BLOCK = BLOCK / DESCRIPTOR_SIZE;
/** Bytes of the file system for each inode; small ones hold small files. */
const INODE_RATIO = { small: 4096, large: 16384, from: 512 << 20 } as const;
/** Inodes that are there beyond the ones in use, as a share of those. */
const SPARE_INODES = 0.3;
/** A last group with less room than this for content is left away. */
const LEAST_ROOM = 50;
/** So many times its size can a mounted file system grow to. */
const GROWTH = 1024;
const MOST_BLOCKS = 0xffffffff;
const LARGEST_FLEX = 4;

export interface Range {
  readonly start: number;
  readonly count: number;
}

export interface Group {
  readonly start: number;
  readonly blocks: number;
  /** Whether it begins with a superblock and descriptors, the first one's or copies. */
  readonly super: boolean;
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
}

export interface Geometry {
  readonly blocks: number;
  readonly groups: readonly Group[];
  readonly inodesPerGroup: number;
  /** Blocks of one group's inode table. */
  readonly tableBlocks: number;
  readonly descriptorBlocks: number;
  /** Blocks behind the descriptors, for those of groups to come. */
  readonly reservedBlocks: number;
  /** Bitmaps and tables of 2 to this power groups lie together, in the first of them. */
  readonly logFlex: number;
  /** Blocks of the journal. */
  readonly journal: number;
  /** Everything that has its place by this, in order. */
  readonly fixed: readonly Range[];
}

/** Lays out a file system of at most `bytes` that holds `inodes` files, folders and so on. */
export function geometryFor(bytes: number, inodes: number): Geometry {
  const blocks = Math.min(Math.floor(bytes / BLOCK), MOST_BLOCKS);
  const whole = layOut(blocks, bytes, inodes);
  const rest = blocks % GROUP_BLOCKS;
  const last = whole.groups.at(-1);
  if (rest === 0 || whole.groups.length === 1 || last === undefined) return whole;
  const taken = whole.fixed
    .filter(({ start }) => start >= last.start)
    .reduce((sum, { count }) => sum + count, 0);
  return last.blocks >= taken + LEAST_ROOM ? whole : layOut(blocks - rest, bytes, inodes);
}

function layOut(blocks: number, bytes: number, inodes: number): Geometry {
  const count = Math.ceil(blocks / GROUP_BLOCKS);
  const ratio = bytes < INODE_RATIO.from ? INODE_RATIO.small : INODE_RATIO.large;
  const wanted = Math.max(
    Math.ceil((GROUP_BLOCKS * BLOCK) / ratio),
    Math.ceil(((inodes + FIRST_INODE) * (1 + SPARE_INODES)) / count),
  );
  const tableBlocks = Math.min(
    Math.ceil(wanted / INODES_PER_BLOCK),
    GROUP_BLOCKS / INODES_PER_BLOCK,
  );
  const descriptorBlocks = Math.ceil(count / DESCRIPTORS_PER_BLOCK);
  const reservedBlocks = reservedFor(blocks, descriptorBlocks);
  const logFlex = logFlexFor(tableBlocks, 1 + descriptorBlocks + reservedBlocks);
  const fixed: Range[] = [];
  const groups: Group[] = [];
  for (let index = 0; index < count; index++) {
    const start = index * GROUP_BLOCKS;
    const hasSuper = holdsSuper(index);
    const own = hasSuper ? 1 + descriptorBlocks + reservedBlocks : 0;
    const first = (index >> logFlex) << logFlex;
    const together = Math.min(1 << logFlex, count - first);
    if (own > 0) fixed.push({ start, count: own });
    if (index === first) fixed.push({ start: start + own, count: together * (2 + tableBlocks) });
    // Those of the first group of the flexible group lie behind its own superblock.
    const base =
      first * GROUP_BLOCKS + (holdsSuper(first) ? 1 + descriptorBlocks + reservedBlocks : 0);
    groups.push({
      start,
      blocks: Math.min(GROUP_BLOCKS, blocks - start),
      super: hasSuper,
      blockBitmap: base + (index - first),
      inodeBitmap: base + together + (index - first),
      inodeTable: base + 2 * together + (index - first) * tableBlocks,
    });
  }
  return {
    ...{ blocks, groups, inodesPerGroup: tableBlocks * INODES_PER_BLOCK, tableBlocks },
    ...{ descriptorBlocks, reservedBlocks, logFlex, journal: journalFor(blocks), fixed },
  };
}

/** Groups 0 and 1, and those whose number is a power of 3, 5 or 7 (feature sparse_super). */
export function holdsSuper(group: number): boolean {
  if (group <= 1) return true;
  return [3, 5, 7].some((base) => {
    let power = base;
    while (power < group) power *= base;
    return power === group;
  });
}

/** As many descriptors as a mounted file system can come to need, one block of pointers at most. */
function reservedFor(blocks: number, descriptorBlocks: number): number {
  const most = Math.min(blocks * GROWTH, MOST_BLOCKS);
  const groups = Math.ceil(most / GROUP_BLOCKS);
  const wanted = Math.ceil(groups / DESCRIPTORS_PER_BLOCK) - descriptorBlocks;
  return Math.max(0, Math.min(wanted, BLOCK / 4));
}

/** So many groups lie together that the parts of all fit into the first of them. */
function logFlexFor(tableBlocks: number, own: number): number {
  let log = LARGEST_FLEX;
  while (log > 0 && own + (2 + tableBlocks) * 2 ** log > GROUP_BLOCKS) log--;
  return log;
}

const MIB_BLOCKS = (1 << 20) / BLOCK;
const GIB_BLOCKS = 1024 * MIB_BLOCKS;

/** The steps by which e2fsprogs gives a file system of a size its journal. */
function journalFor(blocks: number): number {
  if (blocks < GIB_BLOCKS / 8) return 4 * MIB_BLOCKS;
  if (blocks < GIB_BLOCKS) return 16 * MIB_BLOCKS;
  if (blocks < 2 * GIB_BLOCKS) return 32 * MIB_BLOCKS;
  if (blocks < 16 * GIB_BLOCKS) return 64 * MIB_BLOCKS;
  if (blocks < 32 * GIB_BLOCKS) return 128 * MIB_BLOCKS;
  if (blocks < 64 * GIB_BLOCKS) return 256 * MIB_BLOCKS;
  if (blocks < 128 * GIB_BLOCKS) return 512 * MIB_BLOCKS;
  return 1024 * MIB_BLOCKS;
}
