/**
 * The reserved inode by which a mounted file system finds room for descriptors of groups to come: a
 * doubly indirect block points to the reserved blocks of the first group, and each of these to its
 * copies in the other groups (kernel documentation, ext4, "Special inodes", and fs/ext4/resize.c).
 */
import type { Geometry } from './geometry.ts';
import { BLOCK } from './geometry.ts';

export const RESIZE_INODE = 7;

const POINTERS = BLOCK / 4;
const DIRECT = 12;
/** Where an inode's map has the doubly indirect block. */
const DOUBLY_INDIRECT = 13;

export interface ResizeInode {
  /** Of what it would be if each pointer was set, in bytes. */
  readonly size: number;
  /** In use. */
  readonly blocks: number;
  readonly map: Buffer;
  /** What blocks must hold, by their numbers. */
  readonly content: ReadonlyMap<number, Buffer>;
}

/** `block`: the one for the doubly indirect pointers. */
export function resizeInode(geometry: Geometry, block: number): ResizeInode {
  const { groups, descriptorBlocks, reservedBlocks } = geometry;
  const copies = groups.slice(1).filter((group) => group.super);
  const content = new Map<number, Buffer>();
  const above = Buffer.alloc(BLOCK);
  for (let index = 0; index < reservedBlocks; index++) {
    const reserved = 1 + descriptorBlocks + index;
    above.writeUInt32LE(reserved, ((descriptorBlocks + index) % POINTERS) * 4);
    const pointers = Buffer.alloc(BLOCK);
    copies.forEach((group, at) => pointers.writeUInt32LE(group.start + reserved, at * 4));
    if (copies.length > 0) content.set(reserved, pointers);
  }
  content.set(block, above);
  const map = Buffer.alloc(60);
  map.writeUInt32LE(block, DOUBLY_INDIRECT * 4);
  return {
    size: (POINTERS * POINTERS + POINTERS + DIRECT) * BLOCK,
    blocks: 1 + reservedBlocks * (1 + copies.length),
    map,
    content,
  };
}
