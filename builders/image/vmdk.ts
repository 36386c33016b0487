/** VMware's disks, made the same by every build. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

const MAGIC = 'KDMV';
const SECTOR = 512;
/** In the header: first sector and number of sectors of the descriptor, as 64-bit numbers. */
const DESCRIPTOR_OFFSET = 28;
const DESCRIPTOR_SIZE = 36;
const LARGEST_DESCRIPTOR = 1 << 20;
/** Leading zeros are not written. */
const CONTENT_ID = /^CID=[0-9a-f]{1,8}$/m;

/**
 * Replaces the random content ID of the sparse extent at `path` by one that follows from `identity`
 * (VMware, "Virtual Disk Format 5.0"; the descriptor is text inside the file).
 */
export function fixContentId(path: string, identity: string): void {
  const fd = openSync(path, 'r+');
  try {
    const header = Buffer.alloc(SECTOR);
    readSync(fd, header, 0, SECTOR, 0);
    const start = Number(header.readBigUInt64LE(DESCRIPTOR_OFFSET)) * SECTOR;
    const size = Number(header.readBigUInt64LE(DESCRIPTOR_SIZE)) * SECTOR;
    if (header.toString('latin1', 0, 4) !== MAGIC || start === 0 || size > LARGEST_DESCRIPTOR)
      throw new Error(`${path} is no VMDK with a descriptor inside`);
    const descriptor = Buffer.alloc(size);
    readSync(fd, descriptor, 0, size, start);
    const text = descriptor.toString('latin1').replace(/\0+$/, '');
    const fixed = text.replace(CONTENT_ID, `CID=${contentId(identity)}`);
    if (!CONTENT_ID.test(text) || fixed.length > size)
      throw new Error(`the descriptor of ${path} has no content ID`);
    writeSync(fd, Buffer.from(fixed.padEnd(size, '\0'), 'latin1'), 0, size, start);
  } finally {
    closeSync(fd);
  }
}

/** 31 bits: the two highest numbers mean that there is no parent. */
function contentId(identity: string): string {
  const number = createHash('sha256').update(identity).digest().readUInt32BE(0) >>> 1;
  return number.toString(16).padStart(8, '0');
}
