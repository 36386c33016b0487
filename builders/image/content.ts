/** Sizes of what a canonical tar holds, read from its headers alone. */
import { closeSync, openSync, readSync } from 'node:fs';

export interface Content {
  /** Bytes of all files, each rounded up to a 4 KiB block. */
  readonly bytes: number;
  readonly entries: number;
}

const BLOCK = 512;
const FS_BLOCK = 4096;

/** Size field of a ustar header: octal, or base 256 for large files. */
function sizeField(header: Buffer): number {
  if (((header[124] as number) & 0x80) !== 0) return Number(header.readBigUInt64BE(128));
  return parseInt(header.toString('latin1', 124, 136), 8) || 0;
}

/** Size that a pax extended header gives to the entry after it (POSIX.1-2001, pax). */
function paxSize(records: Buffer): number | undefined {
  const size = /(?:^|\n)\d+ size=(\d+)\n/.exec(records.toString('latin1'))?.[1];
  return size === undefined ? undefined : Number(size);
}

/** Walks the headers of the tar at `path`; seeks over the contents. */
export function measureTar(path: string): Content {
  const fd = openSync(path, 'r');
  try {
    const header = Buffer.alloc(BLOCK);
    let at = 0;
    let bytes = 0;
    let entries = 0;
    let extended: number | undefined;
    while (readSync(fd, header, 0, BLOCK, at) === BLOCK && header[0] !== 0) {
      const type = String.fromCharCode(header[156] as number);
      const size = (type === 'x' ? undefined : extended) ?? sizeField(header);
      extended = undefined;
      if (type === 'x') {
        const records = Buffer.alloc(size);
        readSync(fd, records, 0, size, at + BLOCK);
        extended = paxSize(records);
      } else if (type === '0' || type === '5' || type === '2' || type === '1') {
        entries++;
        bytes += Math.ceil(size / FS_BLOCK) * FS_BLOCK + (type === '5' ? FS_BLOCK : 0);
      }
      at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    }
    return { bytes, entries };
  } finally {
    closeSync(fd);
  }
}
