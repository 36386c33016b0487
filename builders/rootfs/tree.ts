/**
 * Paths inside a file tree that is not ours to trust: every component is resolved within the
 * root, so that no link leads a read or a write outside (as with openat2's RESOLVE_IN_ROOT).
 */
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { failure } from '../../vse/diagnostic.ts';

const MAX_LINKS = 40;
/** Linux's PATH_MAX, without the NUL at its end. */
const MAX_LENGTH = 4095;

/** Normalises an archive's or a layer's path to `a/b/c`; throws when it would leave the tree. */
export function innerPath(name: string, where: string): string {
  const parts = name.split('/').filter((p) => p !== '' && p !== '.');
  if (parts.includes('..') || /[\0\n\uFFFD]/.test(name) || name.length > MAX_LENGTH) {
    const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name;
    throw failure('BUILD110', `unsafe path ${JSON.stringify(shown)} refused`, {
      notes: [{ message: `in ${where}` }],
      hint: 'a path may not hold "..", line breaks, NUL, bytes that are not UTF-8, or 4096 of them',
    });
  }
  return parts.join('/');
}

function split(path: string): readonly [parent: string, name: string] {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)];
}

const join = (parent: string, name: string): string => (parent === '' ? name : `${parent}/${name}`);

/** Where the link at `parent/…` with this target leads, seen from the root. */
const targetPath = (parent: string, target: string): string =>
  target.startsWith('/') ? target : join(parent, target);

export class Tree {
  /** Absolute path of the root folder on the host. */
  readonly root: string;
  private readonly directories = new Map<string, string>([['', '']]);
  private readonly made = new Set<string>();

  constructor(root: string) {
    this.root = root;
  }

  /** Forgets what is known of directories; call after programs changed the tree. */
  refresh(): void {
    this.directories.clear();
    this.directories.set('', '');
    this.made.clear();
  }

  /** Was the folder at this real path made through this object since the last `refresh`? */
  isNew(real: string): boolean {
    return this.made.has(real);
  }

  /** Real path (relative to the root) of directory `path`, made with mode 0755 when missing. */
  directory(path: string): string {
    return this.resolve(path, true, 0) as string;
  }

  private resolve(path: string, make: boolean, links: number): string | undefined {
    const known = this.directories.get(path);
    if (known !== undefined) return known;
    const [before, name] = split(path);
    const parent = this.resolve(before, make, links);
    if (parent === undefined) return undefined;
    if (name === '' || name === '.') return parent;
    if (name === '..') return split(parent)[0];
    const real = join(parent, name);
    let result: string | undefined = real;
    const stat = this.stat(real);
    if (!stat) {
      if (!make) return undefined;
      mkdirSync(this.host(real), { mode: 0o755 });
      this.made.add(real);
    } else if (stat.isSymbolicLink()) {
      if (links >= MAX_LINKS) throw tooManyLinks(path);
      const target = readlinkSync(this.host(real));
      result = this.resolve(targetPath(parent, target), make, links + 1);
    } else if (!stat.isDirectory()) {
      if (!make) return undefined;
      throw failure('BUILD112', `/${real} is a file, but /${path} is needed as a folder`);
    }
    if (result !== undefined) this.directories.set(path, result);
    return result;
  }

  /** Real path (relative to the root) of `path` itself, with its parents resolved and made. */
  entry(path: string): string {
    const [parent, name] = split(path);
    return join(this.directory(parent), name);
  }

  /** As `entry`, but makes nothing: `undefined` when a parent is missing. */
  existingEntry(path: string): string | undefined {
    const [before, name] = split(path);
    const parent = this.resolve(before, false, 0);
    return parent === undefined ? undefined : join(parent, name);
  }

  /** Real path of what is at `path`, links followed to their end; `undefined`: nothing is. */
  find(path: string): string | undefined {
    let at = innerPath(path, this.root);
    for (let links = 0; links < MAX_LINKS; links++) {
      const [before, name] = split(at);
      const parent = this.resolve(before, false, links);
      if (parent === undefined) return undefined;
      if (name === '' || name === '.') return parent;
      if (name === '..') return split(parent)[0];
      const real = join(parent, name);
      const stat = this.stat(real);
      if (!stat?.isSymbolicLink()) return stat && real;
      at = targetPath(parent, readlinkSync(this.host(real))).replace(/\/+$/, '');
    }
    throw tooManyLinks(path);
  }

  /** Is there a file or a folder at `path`, links followed inside the tree? */
  has(path: string): boolean {
    return this.find(path) !== undefined;
  }

  /** Is there a folder at `path`, links followed inside the tree? */
  hasFolder(path: string): boolean {
    return this.resolve(path, false, 0) !== undefined;
  }

  /** Of what a real path names, without following a link. */
  stat(real: string): Stats | undefined {
    return lstatSync(this.host(real), { throwIfNoEntry: false });
  }

  /** Text of the file at `path`, links followed; `undefined` when there is no such file. */
  read(path: string): string | undefined {
    const real = this.find(path);
    if (real === undefined || !this.stat(real)?.isFile()) return undefined;
    return readFileSync(this.host(real), 'utf8');
  }

  /** Names in the folder at `path`, sorted; none when there is no such folder. */
  list(path: string): readonly string[] {
    const real = this.resolve(path, false, 0);
    return real === undefined ? [] : readdirSync(this.host(real)).sort();
  }

  /**
   * Writes a file, with its parents; a link in its place is replaced and never followed. Without
   * `mode` a new file gets 0644 and an old one keeps what it has.
   */
  write(path: string, content: string | Buffer, mode?: number): void {
    const host = this.fileHost(path);
    writeFileSync(host, content, { mode: mode ?? 0o644 });
    if (mode !== undefined) chmodSync(host, mode);
  }

  /** Adds to the end of a file, as `write` does. */
  append(path: string, text: string): void {
    appendFileSync(this.fileHost(path), text);
  }

  /** Host path for writing a file in place; what is there and no file is removed first. */
  private fileHost(path: string): string {
    const real = this.entry(path);
    const stat = this.stat(real);
    if (stat?.isDirectory())
      throw failure('BUILD113', `/${path} is a folder, but a file is to be written there`);
    if (stat && !stat.isFile()) rmSync(this.host(real));
    return this.host(real);
  }

  /** Removes what is at `path` itself, a whole folder too; a link goes, what it names stays. */
  remove(path: string): void {
    const real = this.existingEntry(path);
    if (real !== undefined) rmSync(this.host(real), { recursive: true, force: true });
  }

  /** Makes `path` a link, in the place of a file or a link. */
  symlink(path: string, target: string): void {
    const host = this.fileHost(path);
    rmSync(host, { force: true });
    symlinkSync(target, host);
    this.directories.delete(path);
  }

  /** Makes `name` at the top a link to the folder `target`, unless something is there. */
  link(name: string, target: string): void {
    this.directory(target);
    if (this.stat(name)) return;
    symlinkSync(target, this.host(name));
    this.directories.delete(name);
  }

  /** Absolute host path of a real path. */
  host(real: string): string {
    return real === '' ? this.root : `${this.root}/${real}`;
  }
}

const tooManyLinks = (path: string) =>
  failure('BUILD111', `too many symbolic links on the way to /${path}`, {
    hint: 'they may form a circle',
  });
