/** Folders as ext4 keeps them: lists of names (kernel documentation, ext4, "Linear Directories"). */
import type { TarKind } from '../tar-entries.ts';
import { crc32c } from './checksum.ts';
import { BLOCK, FIRST_INODE } from './geometry.ts';
import type { Node } from './nodes.ts';

/** What a name says of its file. */
const FILE_TYPES: Readonly<Record<TarKind, number>> = {
  ...{ file: 1, link: 1, directory: 2, character: 3, block: 4, fifo: 5, symlink: 7 },
};
const CHECKSUM_TYPE = 0xde;
/** Bytes at the end of each block, for its checksum. */
const TAIL = 12;
const HEAD = 8;
/** lost+found has room before it is needed. */
const LOST_AND_FOUND_BLOCKS = 4;

interface Name {
  readonly ino: number;
  readonly type: number;
  readonly name: Buffer;
}

const lengthOf = ({ name }: Name): number => HEAD + Math.ceil(name.length / 4) * 4;

/** The blocks of the folder `node`. `seed`: what the checksums of its inode start with. */
export function directoryBlocks(node: Node, seed: number): Buffer {
  const names: readonly Name[] = [
    { ino: node.ino, type: FILE_TYPES.directory, name: Buffer.from('.') },
    { ino: node.parent, type: FILE_TYPES.directory, name: Buffer.from('..') },
    ...node.children.map(({ name, node: { ino, entry } }) => ({
      ...{ ino, type: FILE_TYPES[entry.kind], name: Buffer.from(name, 'latin1') },
    })),
  ];
  const blocks: Name[][] = [];
  let room = 0;
  for (const name of names) {
    if (lengthOf(name) > room) {
      blocks.push([]);
      room = BLOCK - TAIL;
    }
    blocks.at(-1)?.push(name);
    room -= lengthOf(name);
  }
  while (node.ino === FIRST_INODE && blocks.length < LOST_AND_FOUND_BLOCKS) blocks.push([]);
  const bytes = Buffer.alloc(blocks.length * BLOCK);
  blocks.forEach((block, at) => encode(bytes.subarray(at * BLOCK, (at + 1) * BLOCK), block, seed));
  return bytes;
}

/** Writes one block to zeros. */
function encode(block: Buffer, names: readonly Name[], seed: number): void {
  const end = BLOCK - TAIL;
  if (names.length === 0) block.writeUInt16LE(end, 4);
  let at = 0;
  names.forEach((name, index) => {
    const length = index === names.length - 1 ? end - at : lengthOf(name);
    block.writeUInt32LE(name.ino, at);
    block.writeUInt16LE(length, at + 4);
    block.writeUInt8(name.name.length, at + 6);
    block.writeUInt8(name.type, at + 7);
    name.name.copy(block, at + HEAD);
    at += length;
  });
  block.writeUInt16LE(TAIL, end + 4);
  block.writeUInt8(CHECKSUM_TYPE, end + 7);
  block.writeUInt32LE(crc32c(seed, block.subarray(0, end)), end + HEAD);
}
