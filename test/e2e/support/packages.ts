/** What packages ship, said by dpkg-deb. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Lock } from '../../../repos/lock.ts';
import { readTar } from './tar-tree.ts';
import type { TreeEntry } from './tar-tree.ts';

export interface Shipped {
  /** Name of the package. */
  readonly pkg: string;
  /** With a leading slash, as the package has it after the merge of `/usr`. */
  readonly path: string;
  readonly shipped: TreeEntry;
}

/** `/bin/x` → `/usr/bin/x`: where a path lies once these folders are links. */
const merged = (path: string): string =>
  /^\/(bin|sbin|lib|lib64)\//.test(path) ? `/usr${path}` : path;

/** Every entry of every package of `lock`, from the package store of the cache. */
export async function* shippedByPackages(lock: Lock, cache: string): AsyncGenerator<Shipped> {
  for (const { name, sha256 } of lock.packages) {
    const file = join(cache, 'store/sha256', sha256.slice(0, 2), sha256);
    const child = spawn('dpkg-deb', ['--fsys-tarfile', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const tree = await readTar(child.stdout);
    if ((await ended) !== 0) throw new Error(`dpkg-deb cannot read ${name}`);
    for (const [path, shipped] of tree)
      if (!/^\/(bin|sbin|lib|lib64)?$/.test(path))
        yield {
          pkg: name,
          path: merged(path),
          shipped,
        };
  }
}
