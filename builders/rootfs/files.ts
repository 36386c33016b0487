/** The `files` of a VSE, written into the tree. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  lchownSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { errorCode } from '../../repos/io-errors.ts';
import { VsecError, failure } from '../../vse/diagnostic.ts';
import type { FileConfig } from '../../vse/types.ts';
import type { Accounts } from './accounts.ts';
import { Tree, innerPath } from './tree.ts';

const CHUNK = 1 << 20;

function owner(path: string, config: FileConfig, accounts: Accounts): readonly [number, number] {
  const uid = accounts.uid(config.owner ?? 'root');
  const gid = accounts.gid(config.group ?? 'root');
  const missing = uid === undefined ? `user ${config.owner}` : `group ${config.group}`;
  if (uid === undefined || gid === undefined)
    throw failure('BUILD164', `file ${path} is to belong to ${missing}, which does not exist`, {
      hint: 'add it under users or groups, or add the package that makes it',
    });
  return [uid, gid];
}

/** Copies a host file that must still be what it was when the layer was read. */
function copySource(source: NonNullable<FileConfig['source']>, host: string): void {
  const hash = createHash('sha256');
  const to = openSync(host, 'w');
  try {
    for (const part of contents(source.path)) {
      hash.update(part);
      for (let at = 0; at < part.length;) at += writeSync(to, part, at);
    }
  } finally {
    closeSync(to);
  }
  const found = hash.digest('hex');
  if (found !== source.sha256)
    throw failure('BUILD174', `${source.path} changed after the environment was read`, {
      notes: [{ message: `SHA-256 was ${source.sha256}` }, { message: `and is now ${found}` }],
      hint: 'build again when nothing writes to it',
    });
}

/** The bytes of a host file, in parts that are valid until the next one. */
function* contents(path: string): Generator<Buffer> {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const bytes = Buffer.alloc(CHUNK);
    for (let n = readSync(fd, bytes); n > 0; n = readSync(fd, bytes)) yield bytes.subarray(0, n);
  } catch (e) {
    throw failure('BUILD173', `cannot read ${path}: ${(e as Error).message}`, {
      hint: 'it was there when the environment was read; put it back, or build again',
    });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Writes one entry; parents are made as root's folders, mode 0755. */
function writeEntry(tree: Tree, path: string, config: FileConfig, accounts: Accounts): void {
  const inner = innerPath(path, 'files');
  const [uid, gid] = owner(path, config, accounts);
  if (config.directory) {
    const host = tree.host(tree.directory(inner));
    chownSync(host, uid, gid);
    chmodSync(host, parseInt(config.mode ?? '0755', 8));
    return;
  }
  const real = tree.entry(inner);
  const host = tree.host(real);
  if (tree.stat(real)?.isDirectory())
    throw failure('BUILD165', `file ${path}: there is a folder of that name in the image`);
  if (config.link !== undefined) {
    tree.symlink(inner, config.link);
    lchownSync(host, uid, gid);
    return;
  }
  tree.remove(inner);
  if (config.source) copySource(config.source, host);
  else tree.write(inner, config.content ?? '');
  chownSync(host, uid, gid);
  chmodSync(host, parseInt(config.mode ?? '0644', 8));
}

/** Says of what went wrong which option it was. */
function explain(e: unknown, path: string): unknown {
  const note = { message: `option files.${path}` };
  if (e instanceof VsecError)
    return new VsecError(
      e.diagnostics.map((d) => ({ ...d, notes: [note, ...d.notes] })),
      e.exitCode,
    );
  if (errorCode(e) !== 'ENAMETOOLONG') return e;
  return failure('BUILD165', `file ${path}: the name is too long`, { notes: [note] });
}

/**
 * Writes all entries in the order of their paths, folders before what is in them. Returns the
 * real paths of what was written.
 */
export function writeFiles(
  root: string,
  files: Readonly<Record<string, FileConfig>>,
  accounts: Accounts,
): ReadonlySet<string> {
  const tree = new Tree(root);
  const written = new Set<string>();
  for (const path of Object.keys(files).sort()) {
    const config = files[path];
    if (!config) continue;
    try {
      writeEntry(tree, path, config, accounts);
    } catch (e) {
      throw explain(e, path);
    }
    written.add(tree.entry(innerPath(path, 'files')));
  }
  return written;
}
