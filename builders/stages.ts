/** Stages of a lock, their keys in the cache, and which of them must be assembled. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lock, LockedPackage } from '../repos/lock.ts';

export interface Stage {
  readonly label: string;
  readonly packages: readonly LockedPackage[];
  /** Hex; follows from this stage, the stages below, the toolbox and the code that assembles. */
  readonly key: string;
}

/** What a tree's bytes depend on besides its packages: sources of ours, relative to the package. */
const CODE = [
  ...['builders/deb', 'builders/rootfs', 'builders/sandbox/inside.ts', 'builders/assemble.ts'],
  ...['templates/guest', 'builders/templates.ts', 'builders/backends/quote.ts'],
];

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function packageRoot(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir))
    if (existsSync(join(dir, 'package.json')) || dirname(dir) === dir) return dir;
}

function* filesBelow(path: string): Generator<string> {
  if (!statSync(path).isDirectory()) yield path;
  else for (const name of readdirSync(path).sort()) yield* filesBelow(join(path, name));
}

function codeDigest(paths: readonly string[], except: readonly string[] = []): string {
  const root = packageRoot();
  const left = except.map((path) => join(root, path, '/'));
  const hash = createHash('sha256');
  for (const path of paths)
    for (const file of filesBelow(join(root, path)))
      if (!left.some((folder) => file.startsWith(folder)))
        hash.update(`${file.slice(root.length)}\0`).update(readFileSync(file));
  return hash.digest('hex');
}

/** Digest of the code that assembles trees; a change of it makes every cached stage stale. */
export const assemblerDigest = (): string => codeDigest(CODE);

/** Digest of all that writes bundles, but for folders that have no part in a certain one. */
export const programDigest = (except: readonly string[] = []): string =>
  codeDigest(['builders', 'templates'], except);

/** The stages of `lock` that hold packages, lowest first. */
export function stagesOf(lock: Lock): readonly Stage[] {
  let below = sha256(
    JSON.stringify([
      assemblerDigest(),
      lock.toolbox.digest,
      lock.distribution.architecture,
      lock.epoch,
    ]),
  );
  return lock.stages.flatMap((stage, index) => {
    const packages = lock.packages.filter((pkg) => pkg.stage === index);
    if (packages.length === 0) return [];
    below = sha256(JSON.stringify([below, packages.map((pkg) => pkg.sha256).sort()]));
    return [{ label: stage.layers.join('+'), packages, key: below }];
  });
}

/** Key of the finished tree: the last stage and the VSE's own part. */
export const treeKey = (stages: readonly Stage[], treeDigest: string): string =>
  sha256(JSON.stringify([stages.at(-1)?.key ?? '', treeDigest]));
