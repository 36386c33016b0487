/**
 * The cache as a person sees it: what kinds of things are in it, how large, when last used.
 * Only folders that vsec makes are ever looked into, so that a wrong `--cache-dir` costs nothing.
 */
import { lstat, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Context } from '../vse/report.ts';

export interface CacheUnit {
  readonly kind: string;
  readonly path: string;
  /** As the disk holds it. */
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly usedAt: number;
}

interface Kind {
  readonly name: string;
  readonly folder: string;
  /** How many folders lie between the kind's own and what is kept or dropped as one. */
  readonly depth: number;
}

const UNFINISHED = 'unfinished builds';

const KINDS: readonly Kind[] = [
  { name: 'packages', folder: 'store/sha256', depth: 1 },
  { name: 'unfinished downloads', folder: 'store/.partial', depth: 0 },
  { name: 'package indexes', folder: 'indexes', depth: 0 },
  { name: 'parsed indexes', folder: 'universe', depth: 0 },
  { name: 'signed releases', folder: 'releases', depth: 0 },
  { name: 'toolboxes', folder: 'toolbox', depth: 0 },
  { name: 'Xen hosts', folder: 'xen-host', depth: 0 },
  { name: 'built stages', folder: 'stages', depth: 0 },
  { name: 'finished trees', folder: 'rootfs', depth: 0 },
  { name: UNFINISHED, folder: 'work', depth: 0 },
];

/** Releases are tiny, and what they remember guards against a mirror that goes back in time. */
const NEVER_PRUNED = 'signed releases';
/** Something that runs now may be using it. */
const FRESH_MS = 3_600_000;

/** Builds put their process id first into the name of their folder. */
function isRunning(unit: CacheUnit): boolean {
  const pid = Number(/^\d+(?=-)/.exec(basename(unit.path))?.[0]);
  try {
    return unit.kind === UNFINISHED && pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

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

/** Bytes and newest use of a file or of a whole folder. What vanishes meanwhile counts nothing. */
async function measure(path: string): Promise<{ bytes: number; usedAt: number }> {
  const stat = await lstat(path).catch(() => undefined);
  if (!stat) return { bytes: 0, usedAt: 0 };
  let bytes = stat.blocks * 512;
  if (!stat.isDirectory()) return { bytes, usedAt: Math.max(stat.atimeMs, stat.ctimeMs) };
  let usedAt = stat.mtimeMs;
  for (const child of await children(path)) {
    const inner = await measure(child);
    bytes += inner.bytes;
    usedAt = Math.max(usedAt, inner.usedAt);
  }
  return { bytes, usedAt };
}

/** Everything in the cache, in no order that matters. */
export async function listCache(cacheDir: string): Promise<readonly CacheUnit[]> {
  const units: CacheUnit[] = [];
  for (const { name, folder, depth } of KINDS) {
    let paths = await children(join(cacheDir, folder));
    for (let i = 0; i < depth; i++) paths = (await Promise.all(paths.map(children))).flat();
    for (const path of paths) units.push({ kind: name, path, ...(await measure(path)) });
  }
  return units;
}

export interface PruneLimits {
  /** Drop what was not used for so many seconds. */
  readonly olderThan?: number | undefined;
  /** Then drop the longest unused until so many bytes are left. */
  readonly maxSize?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What a prune with these limits drops. Whatever was used in the last hour stays. */
export function chooseForPruning(
  units: readonly CacheUnit[],
  limits: PruneLimits,
): readonly CacheUnit[] {
  const { olderThan = Infinity, maxSize = Infinity, now } = limits;
  let left = units.reduce((sum, unit) => sum + unit.bytes, 0);
  const drop: CacheUnit[] = [];
  for (const unit of units.toSorted((a, b) => a.usedAt - b.usedAt)) {
    if (unit.kind === NEVER_PRUNED || now - unit.usedAt < FRESH_MS || isRunning(unit)) continue;
    if (now - unit.usedAt < olderThan * 1000 && left <= maxSize) continue;
    drop.push(unit);
    left -= unit.bytes;
  }
  return drop;
}

/** Removes them; what belongs to ids that only a sandbox has is removed from inside one. */
export async function dropUnits(units: readonly CacheUnit[], context: Context): Promise<void> {
  for (const { path } of units) {
    try {
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EACCES' && code !== 'EPERM') throw error;
      const { runInSandbox } = await import('../builders/sandbox/worker-process.ts');
      const { chooseMode } = await import('../builders/sandbox/modes.ts');
      await runInSandbox({ kind: 'remove', path }, await chooseMode(undefined), context);
    }
  }
}
