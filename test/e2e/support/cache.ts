/** The cache that all tests which build share, and fresh ones made of it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Absolute path; vitest.config.ts chooses it, and `vsec` inherits it. */
export const E2E_CACHE = process.env['VSEC_CACHE_DIR'] as string;

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
