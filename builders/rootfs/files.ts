/** The `files` of a VSE, written into the tree. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  lchownSync,
  lstatSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { failure } from '../../vse/diagnostic.ts';
import type { FileConfig } from '../../vse/types.ts';
import type { Accounts } from './accounts.ts';
import { Tree, innerPath } from './tree.ts';

function owner(path: string, config: FileConfig, accounts: Accounts): readonly [number, number] {
  const uid = accounts.uid(config.owner ?? 'root');
  const gid = accounts.gid(config.group ?? 'root');
  const missing = uid === undefined ? `user ${config.owner}` : `group ${config.group}`;
  if (uid === undefined || gid === undefined)
    throw failure('BUILD164', `file ${path} is to belong to ${missing}, which does not exist`, {
      notes: [{ message: `option files.${path}` }],
      hint: 'add it under users or groups, or add the package that makes it',
    });
  return [uid, gid];
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
  const host = tree.host(tree.entry(inner));
  const before = lstatSync(host, { throwIfNoEntry: false });
  if (before?.isDirectory())
    throw failure('BUILD165', `file ${path}: there is a folder of that name in the image`, {
      notes: [{ message: `option files.${path}` }],
    });
  if (before) rmSync(host);
  if (config.link !== undefined) {
    symlinkSync(config.link, host);
    lchownSync(host, uid, gid);
    return;
  }
  if (config.source) copyFileSync(config.source.path, host);
  else writeFileSync(host, config.content ?? '');
  chownSync(host, uid, gid);
  chmodSync(host, parseInt(config.mode ?? '0644', 8));
}

/** Writes all entries in the order of their paths, folders before what is in them. */
export function writeFiles(
  root: string,
  files: Readonly<Record<string, FileConfig>>,
  accounts: Accounts,
): void {
  const tree = new Tree(root);
  for (const path of Object.keys(files).sort()) {
    const config = files[path];
    if (config) writeEntry(tree, path, config, accounts);
  }
}
