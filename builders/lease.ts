/**
 * What running builds need of the cache, so that no prune takes it away from under them. A run
 * writes its lease first and then looks whether somebody prunes; a prune announces itself first
 * and then reads the leases: whoever comes second sees the other.
 */
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../vse/report.ts';
import { isOver, runName } from '../repos/leftovers.ts';

const PRUNING = 'pruning-';
const POLL_MS = 50;

const folderOf = (cacheDir: string): string => join(cacheDir, 'leases');

/** This process's lease in each cache; it ends with the process. */
const own = new Map<string, string>();
const endAll = (): void => {
  for (const path of own.values()) rmSync(path, { force: true });
};

/** Runs that are alive and have something in the folder of leases; those of dead ones go. */
function alive(cacheDir: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(folderOf(cacheDir));
  } catch {
    return [];
  }
  return names.filter((name) => {
    const path = join(folderOf(cacheDir), name);
    const changed = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (changed === undefined) return false;
    if (isOver(name, changed) !== true) return true;
    rmSync(path, { force: true });
    return false;
  });
}

function begin(cacheDir: string): string {
  const path = join(folderOf(cacheDir), runName());
  mkdirSync(folderOf(cacheDir), { recursive: true });
  if (own.size === 0) process.once('exit', endAll);
  own.set(cacheDir, path);
  return path;
}

/**
 * Keeps what lies at `paths` (relative to the cache; beginnings of paths are enough) until this
 * process ends, and waits while somebody prunes. Call it before looking for what is there.
 */
export async function hold(
  paths: readonly string[],
  { cacheDir, signal }: Pick<Context, 'cacheDir' | 'signal'>,
): Promise<void> {
  try {
    const lease = own.get(cacheDir) ?? begin(cacheDir);
    appendFileSync(lease, paths.map((path) => `${path}\n`).join(''));
  } catch {
    // A cache that cannot be written is pruned by nobody either, and says so when it matters.
    return;
  }
  while (alive(cacheDir).some((name) => name.startsWith(PRUNING)))
    await sleep(POLL_MS, undefined, { signal });
}

/** What running builds hold: beginnings of paths, relative to the cache. */
function held(cacheDir: string): readonly string[] {
  return alive(cacheDir)
    .filter((name) => !name.startsWith(PRUNING))
    .flatMap((name) => {
      try {
        return readFileSync(join(folderOf(cacheDir), name), 'utf8')
          .split('\n')
          .filter(Boolean);
      } catch {
        return [];
      }
    });
}

/**
 * Runs `work` while no build begins to use the cache; it should be short. It is given what runs
 * that began before need: beginnings of paths, relative to the cache.
 */
export async function whileNobodyBegins<T>(
  cacheDir: string,
  work: (held: readonly string[]) => Promise<T>,
): Promise<T> {
  const marker = join(folderOf(cacheDir), `${PRUNING}${runName()}`);
  mkdirSync(folderOf(cacheDir), { recursive: true });
  writeFileSync(marker, '');
  try {
    return await work(held(cacheDir));
  } finally {
    rmSync(marker, { force: true });
  }
}
