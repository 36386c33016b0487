/** Home folders, and the keys that open them. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  lchownSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import type { Tree } from './tree.ts';

/** Copies what is at the real path `from` to `to`, given to its new owner. */
function copyFor(tree: Tree, from: string, to: string, uid: number, gid: number): void {
  const [source, target] = [tree.host(from), tree.host(to)];
  const stat = tree.stat(from);
  if (stat?.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
  else if (stat?.isDirectory()) {
    mkdirSync(target);
    for (const name of tree.list(from)) copyFor(tree, `${from}/${name}`, `${to}/${name}`, uid, gid);
  } else if (stat?.isFile()) copyFileSync(source, target);
  else return;
  lchownSync(target, uid, gid);
  if (!stat.isSymbolicLink()) chmodSync(target, stat.mode & 0o777);
}

/** Makes the folder `home` from the skeleton, mode 0700, unless it is there. */
export function makeHome(tree: Tree, home: string, uid: number, gid: number): void {
  if (tree.has(home)) return;
  const real = tree.directory(home);
  const skeleton = tree.find('etc/skel');
  for (const name of tree.list('etc/skel'))
    copyFor(tree, `${skeleton}/${name}`, `${real}/${name}`, uid, gid);
  chownSync(tree.host(real), uid, gid);
  chmodSync(tree.host(real), 0o700);
}

/** Writes `.ssh/authorized_keys` of `home`, in the place of what is there. */
export function writeKeys(
  tree: Tree,
  home: string,
  uid: number,
  gid: number,
  keys: readonly string[],
): void {
  const folder = `${home}/.ssh`;
  if (!tree.hasFolder(folder)) {
    const host = tree.host(tree.directory(folder));
    chownSync(host, uid, gid);
    chmodSync(host, 0o700);
  }
  const file = `${folder}/authorized_keys`;
  tree.write(file, keys.map((key) => `${key}\n`).join(''), 0o600);
  chownSync(tree.host(tree.entry(file)), uid, gid);
}
