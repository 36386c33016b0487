/**
 * What an ext4 file system made of a canonical tar holds, and where: the same for the same tar, size and
 * identity, whatever is installed. Decision 0013 says why mke2fs does not do it.
 */
import type { TarEntry } from '../tar-entries.ts';
import { tooLarge, tooSmall } from '../too-small.ts';
import { groupUses, inodesInUse } from './bitmaps.ts';
import { directoryBlocks } from './directory.ts';
import type { Geometry, Range } from './geometry.ts';
import { BLOCK, geometryFor, INODE_SIZE } from './geometry.ts';
import type { BlockMap, InodeContent } from './inode.ts';
import { deviceMap, encodeInode, extentMap, inodeSeed, mapBlocks, modeOf } from './inode.ts';
import { shortLink } from './inode.ts';
import { journalSuperblock } from './journal.ts';
import type { Node } from './nodes.ts';
import { nodesOf } from './nodes.ts';
import { RESIZE_INODE, resizeInode } from './resize.ts';
import { Space } from './space.ts';
import type { Identity } from './superblock.ts';
import { descriptors, fileSystemSeed, JOURNAL_INODE, superBlock } from './superblock.ts';

export interface Ext4Recipe extends Identity {
  /** What the canonical tar holds, in its order. */
  readonly entries: readonly TarEntry[];
  /** Bytes. */
  readonly size: number;
}

/** Blocks that lie behind each other. */
export interface Blocks {
  /** Number of the first. */
  readonly block: number;
  readonly bytes: Buffer;
}

/** Content that lies in one piece both in the tar and in the file system: bytes. */
export interface Copy {
  readonly from: number;
  /** A multiple of a block. */
  readonly to: number;
  readonly length: number;
}

/** What is not named is zero. */
export interface Ext4Plan {
  /** What tells of the files, in no order. */
  readonly blocks: readonly Blocks[];
  /** The files' contents, in ascending order of their places. */
  readonly copies: readonly Copy[];
}

/** The numbers of the blocks of a range. */
const numbersOf = ({ start, count }: Range): readonly number[] =>
  Array.from({ length: count }, (_, at) => start + at);

/** Plans the file system. Throws BUILD192 when the content does not fit, BUILD195 for a file too large. */
export function planExt4(recipe: Ext4Recipe): Ext4Plan {
  const nodes = nodesOf(recipe.entries, recipe.epoch);
  const geometry = geometryFor(recipe.size, nodes.length);
  if (inodesInUse(nodes.length) > geometry.groups.length * geometry.inodesPerGroup)
    throw tooSmall(recipe.size);
  const plan = new Plan(geometry, recipe);
  plan.addReserved();
  // Folders first: to look for a file reads a few neighbouring blocks.
  for (const node of nodes) if (node.entry.kind === 'directory') plan.addFolder(node);
  for (const node of nodes) if (node.entry.kind !== 'directory') plan.addFile(node);
  plan.finish(nodes);
  return plan;
}

class Plan implements Ext4Plan {
  readonly blocks: Blocks[] = [];
  readonly copies: Copy[] = [];
  readonly #geometry: Geometry;
  readonly #identity: Identity;
  readonly #size: number;
  readonly #seed: number;
  readonly #space: Space;
  readonly #tables: Map<number, Buffer> = new Map();
  #journal: { readonly map: Buffer; readonly size: number } | undefined;

  constructor(geometry: Geometry, recipe: Ext4Recipe) {
    this.#geometry = geometry;
    this.#identity = recipe;
    this.#size = recipe.size;
    this.#seed = fileSystemSeed(recipe);
    this.#space = new Space(geometry);
  }

  /** The journal, and the inode by which the file system grows. */
  addReserved(): void {
    const own = { uid: 0, gid: 0, links: 1, mode: 0o100600 };
    const mtime = { seconds: this.#identity.epoch, nanoseconds: 0 };
    const ranges = this.#take(this.#geometry.journal);
    const size = this.#geometry.journal * BLOCK;
    const { map, blocks } = this.#mapped(ranges, JOURNAL_INODE);
    this.#put(JOURNAL_INODE, { ...own, size, mtime, blocks, map });
    const [first] = ranges as [Range];
    const bytes = journalSuperblock(this.#geometry.journal, this.#identity);
    this.blocks.push({ block: first.start, bytes });
    this.#journal = { map: map.bytes, size };

    const [{ start }] = this.#take(1) as [Range];
    const resize = resizeInode(this.#geometry, start);
    for (const [block, bytes] of resize.content) this.blocks.push({ block, bytes });
    this.#put(RESIZE_INODE, {
      ...{ ...own, size: resize.size, mtime, blocks: resize.blocks },
      map: { bytes: resize.map, extents: false },
    });
  }

  addFolder(node: Node): void {
    const bytes = directoryBlocks(node, inodeSeed(this.#seed, node.ino));
    this.#putNode(node, bytes.length, this.#mapped(this.#store(bytes), node.ino));
  }

  addFile(node: Node): void {
    const { kind, size, offset, target, device } = node.entry;
    const inInode = (map: BlockMap, length = 0): void =>
      this.#putNode(node, length, { map, blocks: 0 });
    if (kind === 'symlink') {
      const short = shortLink(target);
      if (short) return inInode(short, target.length);
      const bytes = Buffer.alloc(Math.ceil(target.length / BLOCK) * BLOCK);
      bytes.write(target, 'latin1');
      return this.#putNode(node, target.length, this.#mapped(this.#store(bytes), node.ino));
    }
    if (kind !== 'file') return inInode(deviceMap(device));
    const ranges = this.#take(Math.ceil(size / BLOCK));
    let done = 0;
    for (const { start, count } of ranges) {
      const length = Math.min(count * BLOCK, size - done);
      this.copies.push({ from: offset + done, to: start * BLOCK, length });
      done += length;
    }
    this.#putNode(node, size, this.#mapped(ranges, node.ino, node.entry.path));
  }

  /** What tells of all the rest: inode tables, bitmaps, descriptors and superblocks. */
  finish(nodes: readonly Node[]): void {
    const { groups } = this.#geometry;
    const folders = nodes.filter(({ entry }) => entry.kind === 'directory');
    const uses = groupUses(
      this.#geometry,
      this.#space.used,
      inodesInUse(nodes.length),
      folders.map(({ ino }) => ino),
    );
    const table = descriptors(this.#geometry, uses, this.#seed);
    const journal = this.#journal as { readonly map: Buffer; readonly size: number };
    groups.forEach((group, index) => {
      const { blockBitmap, inodeBitmap, untouched = 0 } = uses[index] ?? {};
      const inodes = this.#tables.get(index);
      const inUse = (this.#geometry.inodesPerGroup - untouched) * INODE_SIZE;
      if (inodes) {
        const bytes = inodes.subarray(0, Math.ceil(inUse / BLOCK) * BLOCK);
        this.blocks.push({ block: group.inodeTable, bytes });
      }
      if (blockBitmap) this.blocks.push({ block: group.blockBitmap, bytes: blockBitmap });
      if (inodeBitmap) this.blocks.push({ block: group.inodeBitmap, bytes: inodeBitmap });
      if (!group.super) return;
      const bytes = superBlock(this.#identity, this.#geometry, uses, journal, index);
      this.blocks.push({ block: group.start, bytes }, { block: group.start + 1, bytes: table });
    });
  }

  #take(count: number): readonly Range[] {
    const ranges = this.#space.take(count);
    if (!ranges) throw tooSmall(this.#size);
    return ranges;
  }

  /** Finds room for `bytes`, which are whole blocks. */
  #store(bytes: Buffer): readonly Range[] {
    const ranges = this.#take(bytes.length / BLOCK);
    let done = 0;
    for (const { start, count } of ranges) {
      this.blocks.push({ block: start, bytes: bytes.subarray(done, done + count * BLOCK) });
      done += count * BLOCK;
    }
    return ranges;
  }

  /** `path` is that of a file which may be too large. */
  #mapped(
    ranges: readonly Range[],
    ino: number,
    path = '',
  ): { readonly map: BlockMap; readonly blocks: number } {
    const seed = inodeSeed(this.#seed, ino);
    const count = ranges.reduce((sum, range) => sum + range.count, 0);
    const wanted = mapBlocks(ranges);
    if (wanted === undefined) throw tooLarge(path, count * BLOCK);
    const places = this.#take(wanted).flatMap(numbersOf);
    const { leaves, ...map } = extentMap(ranges, seed, places);
    leaves.forEach((bytes, at) => this.blocks.push({ block: places[at] as number, bytes }));
    return { map, blocks: count + leaves.length };
  }

  #putNode(node: Node, size: number, where: { map: BlockMap; blocks: number }): void {
    const { uid, gid, mtime, capability } = node.entry;
    this.#put(node.ino, {
      ...{ mode: modeOf(node.entry), uid, gid, mtime, links: node.links, size, ...where },
      ...(capability && { capability }),
    });
  }

  #put(ino: number, content: InodeContent): void {
    const { inodesPerGroup, tableBlocks } = this.#geometry;
    const group = Math.floor((ino - 1) / inodesPerGroup);
    let table = this.#tables.get(group);
    if (!table) this.#tables.set(group, (table = Buffer.alloc(tableBlocks * BLOCK)));
    const at = ((ino - 1) % inodesPerGroup) * INODE_SIZE;
    const bytes = table.subarray(at, at + INODE_SIZE);
    encodeInode(bytes, content, inodeSeed(this.#seed, ino), this.#identity.epoch);
  }
}
