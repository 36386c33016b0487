/** The superblock and the group descriptors (kernel documentation, ext4, "Super Block"). */
import { crc32c, START, word } from './checksum.ts';
import type { Geometry } from './geometry.ts';
import { BLOCK, DESCRIPTOR_SIZE, FIRST_INODE, GROUP_BLOCKS, INODE_SIZE } from './geometry.ts';

/** Bytes. */
const SUPER_SIZE = 1024;
/** Where it is in the first block, after room for a boot sector; copies begin their block. */
const SUPER_AT = 1024;

/** has_journal, ext_attr, resize_inode, dir_index. */
const COMPATIBLE = 0x4 | 0x8 | 0x10 | 0x20;
/** filetype, extents, 64bit, flex_bg: GRUB 2.06 and Xen's pygrub read all of these. */
const INCOMPATIBLE = 0x2 | 0x40 | 0x80 | 0x200;
/** sparse_super, large_file, huge_file, dir_nlink, extra_isize, metadata_csum. */
const READ_ONLY_COMPATIBLE = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x400;

const USER_XATTR_AND_ACL = 0x4 | 0x8;
const SIGNED_HASH = 1;
const HALF_MD4 = 1;
/** One block of a hundred is root's alone. */
const RESERVED_PERCENT = 1;

export const JOURNAL_INODE = 8;

/** What tells a file system from any other. */
export interface Identity {
  /** At most 16 characters. */
  readonly label: string;
  readonly uuid: string;
  /** When it was made, in seconds since 1970. */
  readonly epoch: number;
}

export const uuidBytes = ({ uuid }: Identity): Buffer =>
  Buffer.from(uuid.replaceAll('-', ''), 'hex');

/** What the checksums of this file system's parts start with. */
export const fileSystemSeed = (identity: Identity): number => crc32c(START, uuidBytes(identity));

export interface GroupUse {
  readonly freeBlocks: number;
  readonly freeInodes: number;
  readonly folders: number;
  /** Bitmaps, or `undefined` where the group has nothing that one would tell of. */
  readonly blockBitmap: Buffer | undefined;
  readonly inodeBitmap: Buffer | undefined;
  /** Inodes at the end of the table that were never in use. */
  readonly untouched: number;
}

const INODES_UNUSED = 0x1;
const BLOCKS_UNUSED = 0x2;

/** The descriptors of all groups, filled up to whole blocks. */
export function descriptors(geometry: Geometry, uses: readonly GroupUse[], seed: number): Buffer {
  const { groups, descriptorBlocks, inodesPerGroup } = geometry;
  const table = Buffer.alloc(descriptorBlocks * BLOCK);
  groups.forEach((group, index) => {
    const use = uses[index] as GroupUse;
    const entry = table.subarray(index * DESCRIPTOR_SIZE, (index + 1) * DESCRIPTOR_SIZE);
    const halves = (value: number, low: number, high: number): void => {
      entry.writeUInt16LE(value & 0xffff, low);
      entry.writeUInt16LE(value >>> 16, high);
    };
    entry.writeUInt32LE(group.blockBitmap, 0);
    entry.writeUInt32LE(group.inodeBitmap, 4);
    entry.writeUInt32LE(group.inodeTable, 8);
    halves(use.freeBlocks, 12, 44);
    halves(use.freeInodes, 14, 46);
    halves(use.folders, 16, 48);
    const flags = (use.inodeBitmap ? 0 : INODES_UNUSED) | (use.blockBitmap ? 0 : BLOCKS_UNUSED);
    entry.writeUInt16LE(flags, 18);
    if (use.blockBitmap) halves(crc32c(seed, use.blockBitmap), 24, 56);
    if (use.inodeBitmap)
      halves(crc32c(seed, use.inodeBitmap.subarray(0, inodesPerGroup / 8)), 26, 58);
    halves(use.untouched, 28, 50);
    entry.writeUInt16LE(crc32c(seed, word(index), entry) & 0xffff, 30);
  });
  return table;
}

/** The first block of group `group` where that holds a superblock. */
export function superBlock(
  identity: Identity,
  geometry: Geometry,
  uses: readonly GroupUse[],
  journal: { readonly map: Buffer; readonly size: number },
  group: number,
): Buffer {
  const { blocks, groups, inodesPerGroup, reservedBlocks, logFlex } = geometry;
  const { epoch } = identity;
  const sum = (key: 'freeBlocks' | 'freeInodes'): number =>
    uses.reduce((total, use) => total + use[key], 0);
  const reserved = Math.floor((blocks * RESERVED_PERCENT) / 100);
  const block = Buffer.alloc(BLOCK);
  const sb = block.subarray(group === 0 ? SUPER_AT : 0).subarray(0, SUPER_SIZE);
  const words: readonly (readonly [at: number, value: number])[] = [
    [0, groups.length * inodesPerGroup],
    ...([
      [4, blocks],
      [8, reserved],
      [12, sum('freeBlocks')],
      [16, sum('freeInodes')],
    ] as const),
    ...([
      [24, 2],
      [28, 2],
    ] as const), // blocks, and clusters, of 1024 << 2 bytes
    ...([
      [32, GROUP_BLOCKS],
      [36, GROUP_BLOCKS],
      [40, inodesPerGroup],
    ] as const),
    ...([
      [48, epoch],
      [64, epoch],
      [264, epoch],
    ] as const), // written, checked, made
    [76, 1], // revision with features
    [84, FIRST_INODE],
    ...([
      [92, COMPATIBLE],
      [96, INCOMPATIBLE],
      [100, READ_ONLY_COMPATIBLE],
    ] as const),
    [224, JOURNAL_INODE],
    [256, USER_XATTR_AND_ACL],
    [352, SIGNED_HASH],
  ];
  for (const [at, value] of words) sb.writeUInt32LE(value >>> 0, at);
  const halves: readonly (readonly [at: number, value: number])[] = [
    [54, 0xffff], // never checked for having been mounted often
    ...([
      [56, 0xef53],
      [58, 1],
      [60, 1],
    ] as const), // magic, clean, goes on after errors
    ...([
      [88, INODE_SIZE],
      [90, group],
      [206, reservedBlocks],
      [254, DESCRIPTOR_SIZE],
    ] as const),
    ...([
      [348, 32],
      [350, 32],
    ] as const), // bytes that inodes have beyond 128
  ];
  for (const [at, value] of halves) sb.writeUInt16LE(value, at);
  sb.writeUInt8(HALF_MD4, 252);
  sb.writeUInt8(1, 253); // what follows is the journal's inode
  sb.writeUInt8(logFlex, 372);
  sb.writeUInt8(1, 373); // CRC-32C
  uuidBytes(identity).copy(sb, 104);
  sb.write(identity.label, 120, 16, 'latin1');
  uuidBytes(identity).copy(sb, 236); // seed of the hashes of names
  journal.map.copy(sb, 268);
  sb.writeUInt32LE(Math.floor(journal.size / 2 ** 32), 268 + 60);
  sb.writeUInt32LE(journal.size % 2 ** 32, 268 + 64);
  sb.writeUInt32LE(crc32c(START, sb.subarray(0, SUPER_SIZE - 4)), SUPER_SIZE - 4);
  return block;
}
