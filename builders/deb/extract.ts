/** Writing a package's data archive into a tree. */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  openSync,
  chmodSync,
  chownSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { errorCode } from '../../repos/io-errors.ts';
import { VsecError, failure } from '../../vse/diagnostic.ts';
import type { Tree } from '../rootfs/tree.ts';
import { innerPath } from '../rootfs/tree.ts';
import type { Decompress, Entry, Member } from './archive.ts';
import { readEntries } from './archive.ts';

/** What other packages say about the paths of this one. All paths are real paths. */
export interface Placement {
  /** Where to write the file that belongs at `real`; `undefined` skips it. */
  file(real: string): string | undefined;
  /** May this package set mode and owner of the folder? */
  folder(real: string): boolean;
  /** Hears of each link; and is asked whether a link on the way is another new package's. */
  link(real: string): void;
  foreignLink(real: string): string | undefined;
}

export interface ExtractOptions {
  /** Set owners as the archive has them; false for a plain user's toolbox. */
  readonly ownership: boolean;
  readonly placement?: Placement;
  /** Paths (`etc/x`) whose MD5 is wanted, for the package database. */
  readonly digests?: ReadonlySet<string>;
  readonly advance?: (bytes: number) => void;
}

export interface Extracted {
  /** Every path of the archive in its order, `/.` first, as the database lists them. */
  readonly paths: readonly string[];
  readonly digests: ReadonlyMap<string, string>;
}

const DATABASE = 'var/lib/dpkg/';
/** Not the package's fault. */
const OF_THE_DISK = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'EACCES']);

const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0));

const seconds = (entry: Entry): number => {
  const ms = entry.header.mtime?.getTime() ?? 0;
  return Number.isFinite(ms) ? Math.floor(ms / 1000) : 0;
};

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

/** One package on its way into a tree. */
class Extraction {
  readonly paths: string[] = [];
  readonly digests = new Map<string, string>();
  private current = '';
  /** Files of the package by their real path → where they are. */
  private readonly files = new Map<string, string>();
  private readonly label: string;
  private readonly tree: Tree;
  private readonly options: ExtractOptions;

  constructor(label: string, tree: Tree, options: ExtractOptions) {
    this.label = label;
    this.tree = tree;
    this.options = options;
  }

  async take(entry: Entry): Promise<void> {
    const name = innerPath(entry.header.name, this.label);
    this.current = name;
    this.paths.push(name === '' ? '/.' : `/${name}`);
    if (entry.header.type === 'directory') {
      entry.resume();
      if (name !== '') this.folder(name, entry);
      return;
    }
    this.checkWay(parentOf(name));
    const real = this.tree.entry(name);
    if (real.startsWith(DATABASE))
      throw failure('BUILD116', `${this.label} ships /${name}, a part of the package database`, {
        hint: 'exclude the package: it would forge what dpkg knows',
      });
    const { placement } = this.options;
    const placed = placement ? placement.file(real) : real;
    this.files.set(real, placed ?? real);
    if (placed === undefined) {
      entry.resume();
      return;
    }
    const host = this.tree.host(placed);
    const before = this.tree.stat(placed);
    if (before?.isDirectory()) {
      entry.resume();
      // As dpkg has it: a link does not replace a folder that was there.
      if (entry.header.type === 'symlink' && !this.tree.isNew(placed)) return;
      throw this.kinds(name);
    }
    if (before) rmSync(host);
    await this.write(entry, name, host);
    if (this.tree.stat(placed)?.isSymbolicLink()) placement?.link(placed);
  }

  private folder(name: string, { header }: Entry): void {
    this.checkWay(name);
    const real = this.tree.directory(name);
    // A link in the folder's place stays as it is.
    if (this.tree.entry(name) !== real) return;
    if (this.options.placement?.folder(real) === false) return;
    const host = this.tree.host(real);
    const mode = header.mode ?? 0o755;
    if (this.options.ownership) {
      chownSync(host, header.uid ?? 0, header.gid ?? 0);
      chmodSync(host, mode & 0o7777);
    } else chmodSync(host, (mode & 0o777) | 0o700);
  }

  private async write(entry: Entry, name: string, host: string): Promise<void> {
    const { header } = entry;
    const { ownership, digests, advance } = this.options;
    switch (header.type) {
      case 'file':
      case 'contiguous-file': {
        const hash = digests?.has(name) ? createHash('md5') : undefined;
        await writeFile(host, entry, ownership, hash, advance);
        if (hash) this.digests.set(name, hash.digest('hex'));
        break;
      }
      case 'symlink':
        entry.resume();
        symlinkSync(header.linkname ?? '', host);
        if (ownership) lchownSync(host, header.uid ?? 0, header.gid ?? 0);
        lutimesSync(host, seconds(entry), seconds(entry));
        break;
      case 'link': {
        entry.resume();
        const target = this.files.get(
          this.tree.entry(innerPath(header.linkname ?? '', this.label)),
        );
        if (target === undefined)
          throw failure(
            'BUILD114',
            `${this.label}: hard link /${name} points at no file of the package`,
          );
        linkSync(this.tree.host(target), host);
        break;
      }
      default:
        throw failure(
          'BUILD115',
          `${this.label} ships /${name} as a ${header.type ?? 'thing of unknown kind'}; refused`,
          {
            hint: 'packages hold files, folders and links; devices are made by the running system',
          },
        );
    }
  }

  /** Refuses a way that leads through a link which another package of the batch ships. */
  private checkWay(folder: string): void {
    const { placement } = this.options;
    if (!placement || this.tree.directory(folder) === folder) return;
    for (let way = folder; way !== ''; way = parentOf(way)) {
      const other = placement.foreignLink(this.tree.entry(way));
      if (other !== undefined) throw this.kinds(way, other);
    }
  }

  /** The first component of the current path that is needed as a folder and is none. */
  private obstacle(): string {
    const parts = this.current.split('/');
    const paths = parts.map((_part, i) => parts.slice(0, i + 1).join('/'));
    return paths.find((path) => !this.tree.hasFolder(path)) ?? this.current;
  }

  private kinds(path: string, other = 'another package') {
    return failure('BUILD113', `/${path} is a folder for one package and not for another`, {
      notes: [{ message: `${this.label} and ${other}` }],
      hint: 'remove or exclude one of the two packages',
    });
  }

  /** Says of what went wrong which package it was. */
  explain(e: unknown): unknown {
    if (e instanceof VsecError) {
      const [first, ...rest] = e.diagnostics;
      if (first?.code === 'BUILD112') return this.kinds(this.obstacle());
      if (!first || JSON.stringify(first).includes(this.label)) return e;
      const notes = [...first.notes, { message: `in ${this.label}` }];
      return new VsecError([{ ...first, notes }, ...rest], e.exitCode);
    }
    const code = errorCode(e);
    if (code === undefined || OF_THE_DISK.has(code)) return e;
    return failure(
      'BUILD117',
      `${this.label} ships /${this.current}, which cannot be made: ${(e as Error).message}`,
      code === 'EINVAL' ? { hint: 'a sandbox of a plain user has the owners 0 to 65535' } : {},
    );
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
  const extraction = new Extraction(label, tree, options);
  try {
    await readEntries(path, member, decompress, (entry) => extraction.take(entry));
  } catch (e) {
    throw extraction.explain(e);
  }
  return extraction;
}
