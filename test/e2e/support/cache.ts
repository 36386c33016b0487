/** The cache that all tests which build share, and fresh ones made of it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Absolute path of the cache for tests; kept between runs, so that packages are fetched once. */
export const E2E_CACHE = process.env['VSEC_CACHE_DIR'] || join(tmpdir(), 'vsec-e2e-cache');

/** What `vsec` is started with. */
export const E2E_ENV = { VSEC_CACHE_DIR: E2E_CACHE } as const;

/** All that comes from outside and nothing that was built. */
const FETCHED = ['store', 'toolbox', 'indexes', 'releases', 'universe'];

/** Makes a cache at `path` that holds what the shared one fetched, but no tree and no stage. */
export function cacheWithoutTrees(path: string): void {
  mkdirSync(path, { recursive: true });
  for (const name of FETCHED) {
    const from = join(E2E_CACHE, name);
    if (!existsSync(from)) continue;
    try {
      // Hard links: objects of a cache never change.
      execFileSync('cp', ['-al', from, path], { stdio: 'ignore' });
    } catch {
      execFileSync('cp', ['-a', from, path]);
    }
  }
}
