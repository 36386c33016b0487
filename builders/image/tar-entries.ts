/**
 * What a canonical tar holds, read from its headers alone: GNU tar's `posix` format (POSIX.1-2024, pax,
 * "ustar Interchange Format" and "pax Interchange Format"). A stream's reader would read the contents, too.
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
  readonly capability?: Buffer | undefined;
}

/** Numbers of what is no device. */
export const NO_DEVICE: TarEntry['device'] = { major: 0, minor: 0 };

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
class Window {
  bytes = Buffer.alloc(WINDOW);
  readonly #fd: number;
  #start = 0;
  #length = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Where in `bytes` the `count` ones at `at` are; -1 at the file's end. */
  find(at: number, count: number): number {
    if (at < this.#start || at + count > this.#start + this.#length) {
      if (count > this.bytes.length) this.bytes = Buffer.alloc(count);
      this.#length = readSync(this.#fd, this.bytes, 0, this.bytes.length, at);
      this.#start = at;
    }
    return at + count > this.#start + this.#length ? -1 : at - this.#start;
  }
}

/** The entries of the tar at `path`, in its order; their contents are passed over. */
export function* tarEntries(path: string): Generator<TarEntry> {
  const fd = openSync(path, 'r');
  try {
    const window = new Window(fd);
    let extended: Records = NONE;
    for (let at = 0; ;) {
      const from = window.find(at, BLOCK);
      if (from < 0 || window.bytes[from] === 0) return;
      const header: Header = { bytes: window.bytes, from };
      const type = String.fromCharCode(window.bytes[from + 156] as number);
      const size = type === 'x' ? numeric(header, 124, 12) : sizeOf(header, extended);
      const offset = at + BLOCK;
      at = offset + Math.ceil(size / BLOCK) * BLOCK;
      if (type === 'x') {
        const start = window.find(offset, size);
        extended = parseRecords(Buffer.from(window.bytes.subarray(start, start + size)));
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

/** A ustar header, which begins at `from`. There are tens of thousands: none is copied. */
interface Header {
  readonly bytes: Buffer;
  readonly from: number;
}

const SPACE = 0x20;
const ZERO = 0x30;

/** A number of a header: octal, or base 256 for what that cannot hold. */
function numeric({ bytes, from }: Header, start: number, length: number): number {
  const isOctal = (bytes[from + start] as number) < 0x80;
  let number = 0;
  for (let at = from + start + (isOctal ? 0 : 1); at < from + start + length; at++) {
    const byte = bytes[at] as number;
    if (!isOctal) number = number * 256 + byte;
    else if (byte >= ZERO) number = number * 8 + (byte - ZERO);
    else if (byte !== SPACE) break;
  }
  return number;
}

function text({ bytes, from }: Header, start: number, length: number): string {
  let end = from + start;
  while (end < from + start + length && bytes[end] !== 0) end++;
  return bytes.toString('latin1', from + start, end);
}

const decimal = (records: Records, key: string): number | undefined => {
  const value = records.get(key);
  return value === undefined ? undefined : Number(value.toString('latin1'));
};

const sizeOf = (header: Header, records: Records): number =>
  decimal(records, 'size') ?? numeric(header, 124, 12);

function entryOf(
  header: Header,
  records: Records,
  content: { readonly kind: TarKind; readonly size: number; readonly offset: number },
): TarEntry {
  const prefix = text(header, 345, 155);
  const name = text(header, 0, 100);
  const path = records.get('path')?.toString('latin1') ?? (prefix ? `${prefix}/${name}` : name);
  const target = records.get('linkpath')?.toString('latin1') ?? text(header, 157, 100);
  // Written out, for there are many: of an object made of others V8 keeps a table of its own.
  return {
    path: plain(path),
    kind: content.kind,
    mode: numeric(header, 100, 8) & 0o7777,
    uid: decimal(records, 'uid') ?? numeric(header, 108, 8),
    gid: decimal(records, 'gid') ?? numeric(header, 116, 8),
    mtime: timeOf(records.get('mtime')?.toString('latin1'), header),
    size: content.size,
    offset: content.offset,
    target: content.kind === 'link' ? plain(target) : target,
    device: isDevice(content.kind)
      ? { major: numeric(header, 329, 8), minor: numeric(header, 337, 8) }
      : NO_DEVICE,
    capability: records.get('SCHILY.xattr.security.capability'),
  };
}

const isDevice = (kind: TarKind): boolean => kind === 'character' || kind === 'block';

function plain(path: string): string {
  const from = path.startsWith('./') ? 2 : path.startsWith('/') || path === '.' ? 1 : 0;
  return path.slice(from, path.length - (path.endsWith('/') && path.length > from ? 1 : 0));
}

/** Seconds since 1970 with a fraction, which may be negative; or the header's, without. */
function timeOf(time: string | undefined, header: Header): TarEntry['mtime'] {
  if (time === undefined) return { seconds: numeric(header, 136, 12), nanoseconds: 0 };
  const [whole = '0', fraction = ''] = time.split('.');
  const nanoseconds = Number(fraction.padEnd(NANOSECONDS, '0').slice(0, NANOSECONDS));
  const seconds = Number(whole);
  return whole.startsWith('-') && nanoseconds > 0
    ? { seconds: seconds - 1, nanoseconds: 1e9 - nanoseconds }
    : { seconds, nanoseconds };
}
