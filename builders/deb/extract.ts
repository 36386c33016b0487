/** Writing a package's data archive into a tree. */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  openSync,
  chmodSync,
  chownSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { failure } from '../../vse/diagnostic.ts';
import type { Tree } from '../rootfs/tree.ts';
import { innerPath } from '../rootfs/tree.ts';
import type { Decompress, Entry, Member } from './archive.ts';
import { entries } from './archive.ts';

export interface ExtractOptions {
  /** Set owners as the archive has them; false for a plain user's toolbox. */
  readonly ownership: boolean;
  /** May the file at this real path be written, and where; `undefined` skips it. */
  readonly place?: (real: string) => string | undefined;
  /** Paths (`etc/x`) whose MD5 is wanted, for the package database. */
  readonly digests?: ReadonlySet<string>;
  readonly advance?: (bytes: number) => void;
}

export interface Extracted {
  /** Every path of the archive in its order, `/.` first, as the database lists them. */
  readonly paths: readonly string[];
  readonly digests: ReadonlyMap<string, string>;
}

const seconds = (entry: Entry): number => Math.floor((entry.header.mtime?.getTime() ?? 0) / 1000);

async function writeFile(
  host: string,
  entry: Entry,
  ownership: boolean,
  hash: ReturnType<typeof createHash> | undefined,
  advance: ((bytes: number) => void) | undefined,
): Promise<void> {
  const fd = openSync(host, 'wx', 0o600);
  try {
    for await (const part of entry as AsyncIterable<Buffer>) {
      let at = 0;
      while (at < part.length) at += writeSync(fd, part, at);
      hash?.update(part);
      advance?.(part.length);
    }
    if (ownership) fchownSync(fd, entry.header.uid ?? 0, entry.header.gid ?? 0);
    fchmodSync(fd, (entry.header.mode ?? 0o644) & (ownership ? 0o7777 : 0o777));
    futimesSync(fd, seconds(entry), seconds(entry));
  } finally {
    closeSync(fd);
  }
}

/**
 * Unpacks `member` of the package at `path` into `tree`. Links are never followed out of the
 * tree; devices, unknown entry types and paths with `..` are refused.
 */
export async function extractData(
  path: string,
  label: string,
  member: Member,
  decompress: Decompress,
  tree: Tree,
  options: ExtractOptions,
): Promise<Extracted> {
  const paths: string[] = [];
  const digests = new Map<string, string>();
  for await (const entry of entries(path, member, decompress)) {
    const { header } = entry;
    const name = innerPath(header.name, label);
    paths.push(name === '' ? '/.' : `/${name}`);
    if (header.type === 'directory') {
      entry.resume();
      if (name === '') continue;
      const real = tree.directory(name);
      if (real !== name) continue;
      const host = tree.host(real);
      if (options.ownership) chownSync(host, header.uid ?? 0, header.gid ?? 0);
      chmodSync(host, (header.mode ?? 0o755) & 0o7777);
      continue;
    }
    const real = tree.entry(name);
    const placed = options.place ? options.place(real) : real;
    if (placed === undefined) {
      entry.resume();
      continue;
    }
    const host = tree.host(placed);
    const before = lstatSync(host, { throwIfNoEntry: false });
    if (before?.isDirectory()) {
      entry.resume();
      if (header.type === 'symlink') continue;
      throw failure('BUILD113', `${label} ships /${name} as a file, but it is a folder already`);
    }
    if (before) rmSync(host);
    switch (header.type) {
      case 'file':
      case 'contiguous-file': {
        const hash = options.digests?.has(name) ? createHash('md5') : undefined;
        await writeFile(host, entry, options.ownership, hash, options.advance);
        if (hash) digests.set(name, hash.digest('hex'));
        break;
      }
      case 'symlink':
        entry.resume();
        symlinkSync(header.linkname ?? '', host);
        if (options.ownership) lchownSync(host, header.uid ?? 0, header.gid ?? 0);
        lutimesSync(host, seconds(entry), seconds(entry));
        break;
      case 'link': {
        entry.resume();
        const from = tree.entry(innerPath(header.linkname ?? '', label));
        const target = options.place ? (options.place(from) ?? from) : from;
        if (!lstatSync(tree.host(target), { throwIfNoEntry: false })?.isFile())
          throw failure(
            'BUILD114',
            `${label}: hard link /${name} points at no file of the package`,
          );
        linkSync(tree.host(target), host);
        break;
      }
      default:
        throw failure('BUILD115', `${label} ships /${name} as a ${header.type}; refused`, {
          hint: 'packages hold files, folders and links; devices are made by the running system',
        });
    }
  }
  return { paths, digests };
}
