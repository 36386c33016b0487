/** The drivers in an initrd: cpio archives, one behind the other, the last one compressed. */
import type { Readable } from 'node:stream';
import type { Bytes } from './bytes.ts';
import { MOST_MAGIC, compressionOf } from './compression.ts';

type Decompress = (compression: string, input: Readable) => Promise<Bytes | undefined>;

/** "newc" (Documentation/driver-api/early-userspace/buffer-format.rst). */
const MAGIC = '070701';
const HEADER = 110;
/** Bytes, as the kernel has it (PATH_MAX). */
const MOST_NAME = 4096;
/** There are files that hold nothing but themselves. */
const MOST_COMPRESSED = 16;
const MODULE = /(?:^|\/)([^/]+)\.ko(?:\.(?:xz|zst|gz))?$/;

/** Names of modules, sorted, with `_` for `-`; `undefined` when the archive cannot be read. */
export async function driversIn(
  initrd: Bytes,
  decompress: Decompress,
): Promise<readonly string[] | undefined> {
  const found = new Set<string>();
  const note = (name: string): void => {
    const module = MODULE.exec(name)?.[1];
    if (module !== undefined) found.add(module.replaceAll('-', '_'));
  };
  const opened: Bytes[] = [];
  try {
    let [from, at] = [initrd, 0];
    for (;;) {
      const start = pastZeros(from, at);
      if (start === undefined) return [...found].sort();
      const compression = compressionOf(from.read(start, MOST_MAGIC));
      at = start;
      if (compression !== undefined) {
        if (opened.length === MOST_COMPRESSED) return undefined;
        const plain = await decompress(compression, from.stream(start));
        if (!plain) return undefined;
        opened.push(plain);
        [from, at] = [plain, 0];
      }
      const end = readArchive(from, at, note);
      if (end === undefined) return undefined;
      at = end;
    }
  } finally {
    for (const one of opened) one.close();
  }
}

const STEP = 1 << 12;

/** Where the next byte is that is not zero. */
function pastZeros(bytes: Bytes, from: number): number | undefined {
  for (let start = from; start < bytes.length; start += STEP) {
    const at = bytes.read(start, STEP).findIndex((byte) => byte !== 0);
    if (at >= 0) return start + at;
  }
  return undefined;
}

const padded = (length: number): number => Math.ceil(length / 4) * 4;

/** Calls `each` with every name of the archive at `from`; returns where that ends. */
function readArchive(bytes: Bytes, from: number, each: (name: string) => void): number | undefined {
  for (let at = from; at + HEADER <= bytes.length;) {
    const header = bytes.read(at, HEADER).toString('latin1');
    if (!header.startsWith(MAGIC)) return undefined;
    const field = (index: number): number =>
      parseInt(header.slice(6 + index * 8, 14 + index * 8), 16);
    const [size, nameSize] = [field(6), field(11)];
    if (!(nameSize > 0 && nameSize <= MOST_NAME)) return undefined;
    const name = bytes.read(at + HEADER, nameSize - 1).toString('utf8');
    at += padded(HEADER + nameSize) + padded(size);
    if (name === 'TRAILER!!!') return at;
    each(name);
  }
  return undefined;
}
