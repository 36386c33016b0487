/**
 * What a canonical tar holds, read from its headers alone: GNU tar's `posix` format (POSIX.1-2024, pax,
 * "ustar Interchange Format" and "pax Interchange Format").
 */
import { closeSync, openSync, readSync } from 'node:fs';

export type TarKind = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

export interface TarEntry {
  /** Without the leading `./` and a trailing slash, one character for each byte; the root is ''. */
  readonly path: string;
  readonly kind: TarKind;
  /** The twelve bits of chmod(2). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
  /** Bytes of a file's content, and the offset in the tar where they begin. */
  readonly size: number;
  readonly offset: number;
  /** Of a symbolic link what it says; of another name for a file that file's path, as `path`. */
  readonly target: string;
  readonly device: { readonly major: number; readonly minor: number };
  /** Value of the attribute `security.capability`. */
  readonly capability?: Buffer;
}

const BLOCK = 512;
const NANOSECONDS = 9;

const KINDS: Readonly<Record<string, TarKind>> = {
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/** Bytes that are read at once: most files are so small that the next header is among them. */
const WINDOW = 64 * BLOCK;

/** Reading a file here and there, in ascending order. */
class Windows {
  readonly #fd: number;
  readonly #window = Buffer.alloc(WINDOW);
  #start = 0;
  #length = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The `count` bytes from `at` on, or as many as there are; they hold until the next call. */
  at(at: number, count: number): Buffer {
    if (count > WINDOW) {
      const large = Buffer.alloc(count);
      return large.subarray(0, readSync(this.#fd, large, 0, count, at));
    }
    if (at < this.#start || at + count > this.#start + this.#length) {
      this.#length = readSync(this.#fd, this.#window, 0, WINDOW, at);
      this.#start = at;
    }
    const from = at - this.#start;
    return this.#window.subarray(from, Math.min(from + count, this.#length));
  }
}

/** The entries of the tar at `path`, in its order; their contents are passed over. */
export function* tarEntries(path: string): Generator<TarEntry> {
  const fd = openSync(path, 'r');
  try {
    const file = new Windows(fd);
    let extended: Records = NONE;
    for (let at = 0; ;) {
      const header = file.at(at, BLOCK);
      if (header.length < BLOCK || header[0] === 0) return;
      const type = String.fromCharCode(header[156] as number);
      const size = type === 'x' ? numeric(header, 124, 12) : sizeOf(header, extended);
      const offset = at + BLOCK;
      at = offset + Math.ceil(size / BLOCK) * BLOCK;
      if (type === 'x') {
        extended = parseRecords(Buffer.from(file.at(offset, size)));
        continue;
      }
      const kind = KINDS[type];
      if (kind === undefined) throw new Error(`${path} has an entry of type ${type}`);
      yield entryOf(header, extended, { kind, size, offset });
      extended = NONE;
    }
  } finally {
    closeSync(fd);
  }
}

type Records = ReadonlyMap<string, Buffer>;
const NONE: Records = new Map();

/** "length key=value\n", where the length counts the whole record and the value is any bytes. */
function parseRecords(bytes: Buffer): Records {
  const found = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, space));
    const equals = bytes.indexOf(0x3d, space);
    if (space < 0 || equals < 0 || !(length > 0)) throw new Error('a pax header is damaged');
    found.set(
      bytes.toString('latin1', space + 1, equals),
      bytes.subarray(equals + 1, at + length - 1),
    );
    at += length;
  }
  return found;
}

/** A number of a ustar header: octal, or base 256 for what that cannot hold. */
function numeric(header: Buffer, start: number, length: number): number {
  if (((header[start] as number) & 0x80) === 0)
    return parseInt(header.toString('latin1', start, start + length), 8) || 0;
  return header.subarray(start + 1, start + length).reduce((sum, byte) => sum * 256 + byte, 0);
}

function text(header: Buffer, start: number, length: number): string {
  const end = header.indexOf(0, start);
  return header.toString('latin1', start, end < 0 ? start + length : Math.min(end, start + length));
}

const decimal = (records: Records, key: string): number | undefined => {
  const value = records.get(key);
  return value === undefined ? undefined : Number(value.toString('latin1'));
};

const sizeOf = (header: Buffer, records: Records): number =>
  decimal(records, 'size') ?? numeric(header, 124, 12);

function entryOf(
  header: Buffer,
  records: Records,
  content: { readonly kind: TarKind; readonly size: number; readonly offset: number },
): TarEntry {
  const prefix = text(header, 345, 155);
  const name = text(header, 0, 100);
  const path = records.get('path')?.toString('latin1') ?? (prefix ? `${prefix}/${name}` : name);
  const target = records.get('linkpath')?.toString('latin1') ?? text(header, 157, 100);
  const capability = records.get('SCHILY.xattr.security.capability');
  return {
    ...content,
    path: plain(path),
    mode: numeric(header, 100, 8) & 0o7777,
    uid: decimal(records, 'uid') ?? numeric(header, 108, 8),
    gid: decimal(records, 'gid') ?? numeric(header, 116, 8),
    mtime: timeOf(records.get('mtime')?.toString('latin1') ?? String(numeric(header, 136, 12))),
    target: content.kind === 'link' ? plain(target) : target,
    device: { major: numeric(header, 329, 8), minor: numeric(header, 337, 8) },
    ...(capability && { capability }),
  };
}

const plain = (path: string): string => path.replace(/^\.?\/|^\.$/, '').replace(/\/$/, '');

/** Seconds since 1970 with a fraction, which may be negative. */
function timeOf(time: string): TarEntry['mtime'] {
  const [whole = '0', fraction = ''] = time.split('.');
  const nanoseconds = Number(fraction.padEnd(NANOSECONDS, '0').slice(0, NANOSECONDS));
  const seconds = Number(whole);
  return whole.startsWith('-') && nanoseconds > 0
    ? { seconds: seconds - 1, nanoseconds: 1e9 - nanoseconds }
    : { seconds, nanoseconds };
}
