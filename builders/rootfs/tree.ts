/**
 * Paths inside a file tree that is not ours to trust: every component is resolved within the
 * root, so that no link leads a write outside (as with openat2's RESOLVE_IN_ROOT).
 */
import { lstatSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';

const MAX_LINKS = 40;

/** Normalises an archive's or a layer's path to `a/b/c`; throws when it would leave the tree. */
export function innerPath(name: string, where: string): string {
  const parts = name.split('/').filter((p) => p !== '' && p !== '.');
  if (parts.includes('..') || /[\0\n\uFFFD]/.test(name))
    throw failure('BUILD110', `unsafe path ${JSON.stringify(name)} refused`, {
      notes: [{ message: `in ${where}` }],
      hint: 'a path may not hold "..", line breaks, NUL or bytes that are not UTF-8',
    });
  return parts.join('/');
}

export class Tree {
  /** Absolute path of the root folder on the host. */
  readonly root: string;
  private readonly directories = new Map<string, string>([['', '']]);

  constructor(root: string) {
    this.root = root;
  }

  /** Forgets what is known of directories; call after programs changed the tree. */
  refresh(): void {
    this.directories.clear();
    this.directories.set('', '');
  }

  /** Real path (relative to the root) of directory `path`, made with mode 0755 when missing. */
  directory(path: string, links = 0): string {
    const known = this.directories.get(path);
    if (known !== undefined) return known;
    const slash = path.lastIndexOf('/');
    const parent = slash < 0 ? '' : this.directory(path.slice(0, slash), links);
    const name = path.slice(slash + 1);
    const real = parent === '' ? name : `${parent}/${name}`;
    const host = `${this.root}/${real}`;
    let result = real;
    const stat = lstatSync(host, { throwIfNoEntry: false });
    if (!stat) mkdirSync(host, { mode: 0o755 });
    else if (stat.isSymbolicLink()) {
      if (links >= MAX_LINKS)
        throw failure('BUILD111', `too many symbolic links on the way to /${path}`);
      const target = readlinkSync(host);
      const joined = posix.resolve('/', target.startsWith('/') ? '' : parent, target);
      result = this.directory(joined.slice(1), links + 1);
    } else if (!stat.isDirectory())
      throw failure('BUILD112', `/${real} is a file, but /${path} is needed as a folder`);
    this.directories.set(path, result);
    return result;
  }

  /** Real path (relative to the root) of `path` itself, with its parents resolved. */
  entry(path: string): string {
    const slash = path.lastIndexOf('/');
    if (slash < 0) return path;
    const parent = this.directory(path.slice(0, slash));
    return parent === '' ? path.slice(slash + 1) : `${parent}/${path.slice(slash + 1)}`;
  }

  /** Makes `name` at the top a link to the folder `target`, unless something is there. */
  link(name: string, target: string): void {
    this.directory(target);
    if (lstatSync(this.host(name), { throwIfNoEntry: false })) return;
    symlinkSync(target, this.host(name));
    this.directories.delete(name);
  }

  /** Absolute host path of what `entry` or `directory` returned. */
  host(real: string): string {
    return real === '' ? this.root : `${this.root}/${real}`;
  }
}
