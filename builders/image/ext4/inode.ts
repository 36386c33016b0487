/** Inodes and what maps a file's blocks (kernel documentation, ext4, "Index Nodes", "Extent Tree"). */
import type { TarEntry, TarKind } from '../tar-entries.ts';
import { crc32c, word } from './checksum.ts';
import { BLOCK, INODE_SIZE, type Range } from './geometry.ts';

const TYPES: Readonly<Record<TarKind, number>> = {
  ...{ fifo: 0o010000, character: 0o020000, directory: 0o040000, block: 0o060000 },
  ...{ file: 0o100000, link: 0o100000, symlink: 0o120000 },
};

/** Bytes of an inode that say where its blocks are. */
const MAP_SIZE = 60;
const MAP_AT = 40;
const EXTRA_SIZE = 32;
const USES_EXTENTS = 0x80000;
const EXTENT_MAGIC = 0xf30a;
/** Blocks of one extent. */
const LONGEST_EXTENT = 32768;
const EXTENTS_IN_INODE = 4;
const EXTENT_SIZE = 12;
const EXTENTS_IN_BLOCK = Math.floor((BLOCK - EXTENT_SIZE) / EXTENT_SIZE);
/** Links that a folder's inode can count; beyond, it says 1 (feature dir_nlink). */
const MOST_FOLDER_LINKS = 65000;

export interface InodeContent {
  /** File type and mode as in stat(2). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  /** Bytes. */
  readonly size: number;
  readonly mtime: TarEntry['mtime'];
  /** Blocks in use, those of the map among them. */
  readonly blocks: number;
  readonly map: BlockMap;
  readonly capability?: Buffer;
}

export interface BlockMap {
  readonly bytes: Buffer;
  readonly extents: boolean;
}

export const modeOf = ({ kind, mode }: TarEntry): number => TYPES[kind] | mode;

/** What all checksums that belong to inode `ino` start with; its generation is always 0. */
export const inodeSeed = (fileSystemSeed: number, ino: number): number =>
  crc32c(fileSystemSeed, word(ino, 0));

/** Writes an inode to zeros; `epoch`, in seconds: its times but that of its content. */
export function encodeInode(
  inode: Buffer,
  content: InodeContent,
  seed: number,
  epoch: number,
): void {
  const { mode, uid, gid, links, size, mtime, blocks, map } = content;
  const sectors = blocks * (BLOCK / 512);
  const isFolder = (mode & 0o170000) === TYPES.directory;
  inode.writeUInt16LE(mode, 0);
  inode.writeUInt16LE(uid & 0xffff, 2);
  inode.writeUInt32LE(size % 2 ** 32, 4);
  writeTime(inode, 8, 140, { seconds: epoch, nanoseconds: 0 });
  writeTime(inode, 12, 132, { seconds: epoch, nanoseconds: 0 });
  writeTime(inode, 16, 136, mtime);
  writeTime(inode, 144, 148, { seconds: epoch, nanoseconds: 0 });
  inode.writeUInt16LE(gid & 0xffff, 24);
  inode.writeUInt16LE(isFolder && links > MOST_FOLDER_LINKS ? 1 : links, 26);
  inode.writeUInt32LE(sectors % 2 ** 32, 28);
  inode.writeUInt32LE(map.extents ? USES_EXTENTS : 0, 32);
  map.bytes.copy(inode, MAP_AT, 0, MAP_SIZE);
  inode.writeUInt32LE(Math.floor(size / 2 ** 32), 108);
  inode.writeUInt16LE(Math.floor(sectors / 2 ** 32), 116);
  inode.writeUInt16LE(uid >>> 16, 120);
  inode.writeUInt16LE(gid >>> 16, 122);
  inode.writeUInt16LE(EXTRA_SIZE, 128);
  if (content.capability) writeCapability(inode, content.capability);
  const sum = crc32c(seed, inode);
  inode.writeUInt16LE(sum & 0xffff, 124);
  inode.writeUInt16LE(sum >>> 16, 130);
}

/** Seconds in 34 bits from 1901 on, nanoseconds in 30. */
function writeTime(inode: Buffer, at: number, extra: number, time: TarEntry['mtime']): void {
  const high = Math.floor((time.seconds + 2 ** 31) / 2 ** 32) & 3;
  inode.writeUInt32LE(time.seconds >>> 0, at);
  inode.writeUInt32LE(((time.nanoseconds << 2) | high) >>> 0, extra);
}

/** The one attribute that a canonical tar keeps, behind the inode's fields ("Extended Attributes"). */
function writeCapability(inode: Buffer, value: Buffer): void {
  const name = Buffer.from('capability');
  const header = 128 + EXTRA_SIZE;
  const first = header + 4;
  const at = INODE_SIZE - Math.ceil(value.length / 4) * 4;
  if (at < first + 16 + Math.ceil(name.length / 4) * 4 + 4)
    throw new Error(`security.capability of ${value.length} bytes has no room in an inode`);
  inode.writeUInt32LE(0xea020000, header);
  inode.writeUInt8(name.length, first);
  inode.writeUInt8(6, first + 1); // "security."
  inode.writeUInt16LE(at - first, first + 2);
  inode.writeUInt32LE(value.length, first + 8);
  name.copy(inode, first + 16);
  value.copy(inode, at);
}

/** Pieces of a file that one extent each can name. */
function extentsOf(ranges: readonly Range[]): readonly (Range & { readonly from: number })[] {
  let from = 0;
  return ranges.flatMap(({ start, count }) => {
    const pieces = [];
    for (let done = 0; done < count; done += LONGEST_EXTENT) {
      const length = Math.min(LONGEST_EXTENT, count - done);
      pieces.push({ start: start + done, count: length, from });
      from += length;
    }
    return pieces;
  });
}

/** How many blocks the map of a file in these pieces needs beside its inode; `undefined`: too many. */
export function mapBlocks(ranges: readonly Range[]): number | undefined {
  const { length } = extentsOf(ranges);
  if (length <= EXTENTS_IN_INODE) return 0;
  const leaves = Math.ceil(length / EXTENTS_IN_BLOCK);
  return leaves <= EXTENTS_IN_INODE ? leaves : undefined;
}

/**
 * The map of a file in `ranges`; `blocks` are those for the map, as many as `mapBlocks` says, and
 * `leaves` come back as what they must hold.
 */
export function extentMap(
  ranges: readonly Range[],
  seed: number,
  blocks: readonly number[] = [],
): BlockMap & { readonly leaves: readonly Buffer[] } {
  const extents = extentsOf(ranges);
  const bytes = Buffer.alloc(MAP_SIZE);
  if (blocks.length === 0) {
    writeHeader(bytes, extents.length, EXTENTS_IN_INODE, 0);
    extents.forEach((extent, index) => writeExtent(bytes, index, extent));
    return { bytes, extents: true, leaves: [] };
  }
  writeHeader(bytes, blocks.length, EXTENTS_IN_INODE, 1);
  const leaves = blocks.map((block, index) => {
    const own = extents.slice(index * EXTENTS_IN_BLOCK, (index + 1) * EXTENTS_IN_BLOCK);
    const at = EXTENT_SIZE * (1 + index);
    bytes.writeUInt32LE(own[0]?.from ?? 0, at);
    bytes.writeUInt32LE(block % 2 ** 32, at + 4);
    bytes.writeUInt16LE(Math.floor(block / 2 ** 32), at + 8);
    return leafOf(own, seed);
  });
  return { bytes, extents: true, leaves };
}

/** A block of the map, which names `extents`. */
function leafOf(extents: ReturnType<typeof extentsOf>, seed: number): Buffer {
  const leaf = Buffer.alloc(BLOCK);
  writeHeader(leaf, extents.length, EXTENTS_IN_BLOCK, 0);
  extents.forEach((extent, index) => writeExtent(leaf, index, extent));
  const end = EXTENT_SIZE * (1 + EXTENTS_IN_BLOCK);
  leaf.writeUInt32LE(crc32c(seed, leaf.subarray(0, end)), end);
  return leaf;
}

function writeHeader(bytes: Buffer, count: number, most: number, depth: number): void {
  bytes.writeUInt16LE(EXTENT_MAGIC, 0);
  bytes.writeUInt16LE(count, 2);
  bytes.writeUInt16LE(most, 4);
  bytes.writeUInt16LE(depth, 6);
}

function writeExtent(
  bytes: Buffer,
  index: number,
  extent: Range & { readonly from: number },
): void {
  const at = EXTENT_SIZE * (1 + index);
  bytes.writeUInt32LE(extent.from, at);
  bytes.writeUInt16LE(extent.count, at + 4);
  bytes.writeUInt16LE(Math.floor(extent.start / 2 ** 32), at + 6);
  bytes.writeUInt32LE(extent.start % 2 ** 32, at + 8);
}

/** Where a symbolic link leads, when it is so short that it stands in the inode. */
export function shortLink(target: string): BlockMap | undefined {
  if (target.length >= MAP_SIZE) return undefined;
  const bytes = Buffer.alloc(MAP_SIZE);
  bytes.write(target, 'latin1');
  return { bytes, extents: false };
}

/** Numbers of a device: the short form where they fit, as mknod(2) writes it. */
export function deviceMap({ major, minor }: TarEntry['device']): BlockMap {
  const bytes = Buffer.alloc(MAP_SIZE);
  if (major < 256 && minor < 256) bytes.writeUInt32LE((major << 8) | minor, 0);
  else bytes.writeUInt32LE(((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0, 4);
  return { bytes, extents: false };
}
