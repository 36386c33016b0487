/**
 * Archives that the kernel unpacks as its first root: cpio in the "new ASCII" format
 * (Documentation/driver-api/early-userspace/buffer-format of Linux; magic 070701).
 */

/** One entry. Paths are relative, without `.` and `..`; folders come before what is in them. */
export type CpioEntry =
  | { readonly type: 'folder'; readonly path: string }
  | { readonly type: 'file'; readonly path: string; readonly mode: number; readonly data: Buffer }
  | { readonly type: 'link'; readonly path: string; readonly target: string }
  | {
      readonly type: 'device';
      readonly path: string;
      readonly major: number;
      readonly minor: number;
    };

const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const TRAILER = 'TRAILER!!!';

/**
 * The archive of `entries`, in order of their paths: the same bytes whatever order they come in.
 * Everything belongs to root and has the time `epoch` (seconds since 1970).
 */
export function cpio(entries: readonly CpioEntry[], epoch: number): Buffer {
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  sorted.forEach(({ path }, index) => {
    if (!/^[^/\0][^\0]*$/.test(path) || path.split('/').some((part) => /^\.{0,2}$/.test(part)))
      throw new Error(`not a path in an archive: ${JSON.stringify(path)}`);
    if (path === sorted[index - 1]?.path) throw new Error(`${path} is there twice`);
  });
  const parts = sorted.flatMap((entry, index) => pack(entry, index + 1, epoch));
  return Buffer.concat([...parts, ...record({ path: TRAILER, inode: 0, mode: 0, time: 0 })]);
}

function pack(entry: CpioEntry, inode: number, time: number): readonly Buffer[] {
  const { path } = entry;
  switch (entry.type) {
    case 'folder':
      return record({ path, inode, time, mode: S_IFDIR | 0o755, links: 2 });
    case 'file':
      return record({ path, inode, time, mode: S_IFREG | entry.mode, data: entry.data });
    case 'link':
      return record({ path, inode, time, mode: S_IFLNK | 0o777, data: Buffer.from(entry.target) });
    case 'device': {
      const device = [entry.major, entry.minor] as const;
      return record({ path, inode, time, mode: S_IFCHR | 0o600, device });
    }
  }
}

interface Record {
  readonly path: string;
  readonly inode: number;
  readonly mode: number;
  readonly time: number;
  readonly links?: number;
  readonly data?: Buffer;
  readonly device?: readonly [major: number, minor: number];
}

/** Header and name, then the content; both end at a multiple of four bytes. */
function record({ path, inode, mode, time, links = 1, data, device }: Record): readonly Buffer[] {
  const name = Buffer.from(`${path}\0`);
  const [major, minor] = device ?? [0, 0];
  const size = data?.length ?? 0;
  const fields = [inode, mode, 0, 0, links, time, size, 0, 0, major, minor, name.length, 0];
  const header = fields.map((field) => field.toString(16).toUpperCase().padStart(8, '0')).join('');
  const head = Buffer.concat([Buffer.from(`070701${header}`), name]);
  return [head, padding(head.length), ...(data ? [data, padding(size)] : [])];
}

const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);
