/** From a description's Debian repositories to the universe of their packages. */
import type { Diagnostic } from '../../vse/diagnostic.ts';
import { task, type Context } from '../../vse/report.ts';
import type { RepositoryConfig } from '../../vse/types.ts';
import type { LockedIndex, LockedPackage } from '../lock.ts';
import type { Universe } from '../universe.ts';
import { openIndex } from './index-cache.ts';
import { loadIndexes } from './load-indexes.ts';
import { lockedSources } from './locked-source.ts';
import type { DebSource } from './package-table.ts';
import { DebUniverse } from './universe.ts';

export interface LoadedUniverse {
  readonly universe: Universe;
  /** The signed indexes that it was read from. */
  readonly indexes: readonly LockedIndex[];
  readonly warnings: readonly Diagnostic[];
  /** Signatures were not looked at. */
  readonly insecure: boolean;
}

export interface UniverseOptions {
  readonly insecure?: boolean;
  readonly now?: Date;
  /** Packages of a lock that are preferred, and known even if no repository has them any more. */
  readonly pins?: readonly LockedPackage[];
  /** Names of packages that are preferred to others, in whatever version. */
  readonly keep?: Iterable<string>;
}

/**
 * Fetches or finds in the cache what is needed, verified.
 *
 * @param architectures the native one first
 * @throws whatever `loadIndexes` throws; SOLV110 a malformed index
 */
export async function loadDebUniverse(
  repositories: Readonly<Record<string, RepositoryConfig>>,
  architectures: readonly [string, ...string[]],
  ctx: Context,
  options: UniverseOptions = {},
): Promise<LoadedUniverse> {
  const indexes: LockedIndex[] = [];
  const warnings: Diagnostic[] = [];
  const sources: DebSource[] = [];
  let insecure = false;
  for (const [name, repository] of Object.entries(repositories)) {
    const loaded = await loadIndexes(name, repository, architectures, ctx, options);
    indexes.push(...loaded.indexes);
    warnings.push(...loaded.warnings);
    insecure ||= loaded.insecure;
    await task(ctx.report, `universe:${name}`, `Opening the packages of ${name}`, async () => {
      for (const { path, sha256, suite, priority } of loaded.packages) {
        const index = await openIndex(path, sha256, ctx);
        sources.push({ repository: name, suite, priority: repository.priority ?? priority, index });
      }
    });
  }
  const { pins = [], keep = [] } = options;
  const kept = { files: new Set(pins.map(({ sha256 }) => sha256)), names: new Set(keep) };
  sources.push(...lockedSources(pins));
  const universe = new DebUniverse(sources, architectures[0], kept);
  return { universe, indexes, warnings, insecure };
}

/** A universe of nothing but what a lock knows. */
export const lockedUniverse = (
  packages: readonly LockedPackage[],
  architecture: string,
): Universe =>
  new DebUniverse(
    lockedSources(packages).map((source) => ({ ...source, priority: 500 })),
    architecture,
  );
