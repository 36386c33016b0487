/** An empty journal's first block (kernel documentation, ext4, "Journal (jbd2)"). Big-endian. */
import { BLOCK } from './geometry.ts';
import type { Identity } from './superblock.ts';
import { uuidBytes } from './superblock.ts';

const MAGIC = 0xc03b3998;
const SUPERBLOCK_V2 = 4;

/** `blocks`: of the journal, this one among them. */
export function journalSuperblock(blocks: number, identity: Identity): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.writeUInt32BE(MAGIC, 0);
  block.writeUInt32BE(SUPERBLOCK_V2, 4);
  block.writeUInt32BE(BLOCK, 12);
  block.writeUInt32BE(blocks, 16);
  block.writeUInt32BE(1, 20); // first block of the log
  block.writeUInt32BE(1, 24); // first commit to expect; there is none
  uuidBytes(identity).copy(block, 48);
  block.writeUInt32BE(1, 64); // one file system uses it
  return block;
}
