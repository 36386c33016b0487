/**
 * The cache as a person sees it: what kinds of things are in it, how large, when last used.
 * Only folders that vsec makes are ever looked into, so that a wrong `--cache-dir` costs nothing.
 */
import { lstat, readdir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { isOver } from '../../repos/leftovers.ts';

export interface CacheUnit {
  readonly kind: KindName;
  /** Absolute. */
  readonly path: string;
  /** As the disk holds it. */
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly usedAt: number;
}

export type KindName =
  | 'packages'
  | 'unfinished downloads'
  | 'package indexes'
  | 'parsed indexes'
  | 'signed releases'
  | 'published bases'
  | 'tags seen'
  | 'toolboxes'
  | 'Xen hosts'
  | 'built stages'
  | 'finished trees'
  | 'unfinished builds'
  | 'dropped';

interface Kind {
  readonly name: KindName;
  readonly folder: string;
  /** How many folders lie between the kind's own and what is kept or dropped as one. */
  readonly depth?: number;
  /** A name in it that is a kind of its own. */
  readonly without?: string;
}

const KINDS: readonly Kind[] = [
  { name: 'packages', folder: 'store/sha256', depth: 1 },
  { name: 'unfinished downloads', folder: 'store/.partial' },
  { name: 'package indexes', folder: 'indexes' },
  { name: 'parsed indexes', folder: 'universe' },
  { name: 'signed releases', folder: 'releases' },
  { name: 'published bases', folder: 'bases', without: 'tags' },
  { name: 'tags seen', folder: 'bases/tags' },
  { name: 'toolboxes', folder: 'toolbox' },
  { name: 'Xen hosts', folder: 'xen-host' },
  { name: 'built stages', folder: 'stages' },
  { name: 'finished trees', folder: 'rootfs' },
  { name: 'unfinished builds', folder: 'work' },
  { name: 'dropped', folder: 'trash' },
];

/** They are tiny, and what they remember guards against a mirror that goes back in time. */
const MEMORY: ReadonlySet<KindName> = new Set(['signed releases', 'tags seen']);
/** Of a file that is being received nobody can tell from outside whose it is. */
const FRESH_MS = 86_400_000;

async function children(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).map((name) => join(path, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A tree of an unfinished build has folders that only ids of the sandbox may read.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return [];
    throw error;
  }
}

/** Bytes of a file or of a whole folder. What vanishes meanwhile counts nothing. */
async function bytesOf(path: string): Promise<number> {
  const stat = await lstat(path).catch(() => undefined);
  if (!stat) return 0;
  let bytes = stat.blocks * 512;
  if (stat.isDirectory()) for (const child of await children(path)) bytes += await bytesOf(child);
  return bytes;
}

/** Everything in the cache, in no order that matters. */
export async function listCache(cacheDir: string): Promise<readonly CacheUnit[]> {
  const units: CacheUnit[] = [];
  for (const { name, folder, depth = 0, without } of KINDS) {
    let paths = await children(join(cacheDir, folder));
    for (let i = 0; i < depth; i++) paths = (await Promise.all(paths.map(children))).flat();
    for (const path of paths) {
      if (basename(path) === without) continue;
      const usedAt = (await lstat(path).catch(() => undefined))?.mtimeMs;
      if (usedAt !== undefined)
        units.push({ kind: name, path, bytes: await bytesOf(path), usedAt });
    }
  }
  return units;
}

export const totalBytes = (units: readonly CacheUnit[]): number =>
  units.reduce((sum, unit) => sum + unit.bytes, 0);

/**
 * Does something that runs need it, or has it to stay for ever? `held`: what running builds hold,
 * as beginnings of paths relative to the cache.
 */
export function mustStay(unit: CacheUnit, cacheDir: string, held: readonly string[]): boolean {
  if (MEMORY.has(unit.kind)) return true;
  const name = basename(unit.path);
  if (unit.kind === 'unfinished downloads' || name === '.partial')
    return Date.now() - unit.usedAt < FRESH_MS;
  const over = isOver(name, unit.usedAt);
  if (over !== undefined && !name.startsWith('kept-')) return !over;
  const path = relative(cacheDir, unit.path);
  return held.some((start) => path.startsWith(start));
}
