/** Taking out of the cache what was not used for long, or is too much. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { whileNobodyBegins } from '../../builders/lease.ts';
import { runName } from '../../repos/leftovers.ts';
import { errorCode, explainIo } from '../../repos/io-errors.ts';
import type { Context } from '../../vse/report.ts';
import { listCache, mustStay, totalBytes, type CacheUnit } from './units.ts';

export interface PruneLimits {
  /** Drop what was not used for so many seconds. */
  readonly olderThan?: number | undefined;
  /** Then drop the longest unused until so many bytes are left. */
  readonly maxSize?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface Pruned {
  readonly dropped: readonly CacheUnit[];
  /** Bytes that are left. */
  readonly left: number;
  /** What the limits would have dropped, but something that runs needs it. */
  readonly inUse: readonly CacheUnit[];
}

/** What a prune with these limits drops, the longest unused first. */
export function chooseForPruning(
  units: readonly CacheUnit[],
  limits: PruneLimits,
  stays: (unit: CacheUnit) => boolean,
): Pruned {
  const { olderThan = Infinity, maxSize = Infinity, now } = limits;
  let left = totalBytes(units);
  const dropped: CacheUnit[] = [];
  const inUse: CacheUnit[] = [];
  for (const unit of units.toSorted((a, b) => a.usedAt - b.usedAt)) {
    const old = now - unit.usedAt >= olderThan * 1000;
    if (!old && left <= maxSize && unit.kind !== 'dropped') continue;
    if (stays(unit)) {
      inUse.push(unit);
      continue;
    }
    dropped.push(unit);
    left -= unit.bytes;
  }
  return { dropped, left, inUse };
}

/**
 * Prunes the cache, or with `dryRun` says what would be dropped. What a running build needs stays:
 * things leave by a rename while no build can begin, and are removed after that.
 */
export async function pruneCache(
  limits: PruneLimits,
  dryRun: boolean,
  context: Context,
): Promise<Pruned> {
  const { cacheDir } = context;
  const look = async (held: readonly string[]): Promise<Pruned> =>
    chooseForPruning(await listCache(cacheDir), limits, (unit) => mustStay(unit, cacheDir, held));
  if (!(await hasSomething(cacheDir))) return { dropped: [], left: 0, inUse: [] };
  const trash = join(cacheDir, 'trash', runName());
  const [pruned, leaving] = await explainIo('prune the cache', cacheDir, () =>
    whileNobodyBegins(cacheDir, async (held) => {
      const chosen = await look(held);
      return [chosen, dryRun ? [] : await throwOut(chosen.dropped, trash)] as const;
    }),
  );
  await explainIo('prune the cache', cacheDir, () => removePaths(leaving, context));
  return pruned;
}

const hasSomething = (cacheDir: string): Promise<boolean> =>
  readdir(cacheDir).then(
    (names) => names.length > 0,
    () => false,
  );

/** Moves units away; returns what is to be removed when builds may begin again. */
async function throwOut(units: readonly CacheUnit[], trash: string): Promise<readonly string[]> {
  const leaving: string[] = [];
  for (const [index, { kind, path }] of units.entries()) {
    // Trees of dead builds belong to ids that may rename nothing; nobody uses them.
    if (kind === 'unfinished builds' || kind === 'dropped') {
      leaving.push(path);
      continue;
    }
    await mkdir(trash, { recursive: true });
    await rename(path, join(trash, String(index))).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
  }
  return [...leaving, trash];
}

/** Removes them; what belongs to ids that only a sandbox has is removed from inside one. */
export async function removePaths(paths: readonly string[], context: Context): Promise<void> {
  for (const path of paths) {
    try {
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      if (errorCode(error) !== 'EACCES' && errorCode(error) !== 'EPERM') throw error;
      const { runInSandbox } = await import('../../builders/sandbox/worker-process.ts');
      const { chooseMode } = await import('../../builders/sandbox/modes.ts');
      await runInSandbox({ kind: 'remove', path }, await chooseMode(undefined), context);
    }
  }
}
