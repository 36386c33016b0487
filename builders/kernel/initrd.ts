/** The drivers in an initrd: cpio archives, one behind the other, the last one compressed. */
import { compressionOf } from './compression.ts';

type Decompress = (compression: string, bytes: Buffer) => Promise<Buffer | undefined>;

/** "newc" (Documentation/driver-api/early-userspace/buffer-format.rst). */
const MAGIC = '070701';
const HEADER = 110;
const MODULE = /(?:^|\/)([^/]+)\.ko(?:\.(?:xz|zst|gz))?$/;

/** Names of modules, sorted, with `_` for `-`; `undefined` when the archive cannot be read. */
export async function driversIn(
  initrd: Buffer,
  decompress: Decompress,
): Promise<readonly string[] | undefined> {
  const found = new Set<string>();
  let rest = initrd;
  for (;;) {
    const at = rest.findIndex((byte) => byte !== 0);
    if (at < 0) return [...found].sort();
    rest = rest.subarray(at);
    const compression = compressionOf(rest);
    if (compression !== undefined) {
      const plain = await decompress(compression, rest);
      if (!plain) return undefined;
      rest = plain;
    }
    const end = readArchive(rest, (name) => {
      const module = MODULE.exec(name)?.[1];
      if (module !== undefined) found.add(module.replaceAll('-', '_'));
    });
    if (end === undefined) return undefined;
    rest = rest.subarray(end);
  }
}

const padded = (length: number): number => Math.ceil(length / 4) * 4;

/** Calls `each` with every name; returns where the archive ends. */
function readArchive(bytes: Buffer, each: (name: string) => void): number | undefined {
  for (let at = 0; at + HEADER <= bytes.length;) {
    if (bytes.toString('latin1', at, at + 6) !== MAGIC) return undefined;
    const field = (index: number): number =>
      parseInt(bytes.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const [size, nameSize] = [field(6), field(11)];
    const name = bytes.toString('utf8', at + HEADER, at + HEADER + nameSize - 1);
    at += padded(HEADER + nameSize) + padded(size);
    if (name === 'TRAILER!!!') return at;
    each(name);
  }
  return undefined;
}
