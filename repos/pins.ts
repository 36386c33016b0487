/** What of a lock is kept when it is made anew: whole, or package by package. */
import { misuse } from '../vse/diagnostic.ts';
import type { Vse } from '../vse/types.ts';
import { lockedUniverse } from './deb/load-universe.ts';
import { optionDrift } from './lock-drift.ts';
import type { Lock, LockedPackage } from './lock.ts';
import { reachable } from './reachable.ts';
import { nearestNames } from './resolve-failure.ts';
import { requestsOf } from './requests.ts';
import type { Candidate } from './solver/problem.ts';
import type { Universe } from './universe.ts';

/** Everything, or the packages of these names. */
export type Upgrade = 'all' | readonly string[];

/** @throws SOLV141 (exit code 2) a name that the lock does not have */
export function checkUpgrade(upgrade: Upgrade, lock: Lock): void {
  if (upgrade === 'all') return;
  const names = new Set(lock.packages.map(({ name }) => name));
  for (const name of upgrade) {
    if (names.has(name)) continue;
    const near = nearestNames(name, names);
    throw misuse('SOLV141', `'${name}' cannot be upgraded: it is not in the lock`, {
      hint:
        near.length > 0
          ? `did you mean ${near.map((n) => `'${n}'`).join(' or ')}?`
          : "what is not there yet is put under add: packages, and comes with 'vsec lock'",
    });
  }
}

/**
 * The packages of a lock that stay as they are unless something else demands it. Nothing stays of
 * another distribution, of a repository that is described otherwise now, or of what was locked
 * without looking at signatures when they are looked at now.
 */
export function pinsOf(
  lock: Lock,
  vse: Vse,
  options: { readonly upgrade?: Upgrade; readonly insecure?: boolean },
): LockedPackage[] {
  const { upgrade = [], insecure = false } = options;
  const { id, release, architecture } = vse.config.distribution;
  const was = lock.distribution;
  const another = was.id !== id || was.release !== release || was.architecture !== architecture;
  if (upgrade === 'all' || another || (lock.insecure && !insecure)) return [];
  const drift = (optionDrift(lock, vse) ?? []).map(({ path }) => path);
  const changed = (repository: string): boolean =>
    drift.some((path) => path.startsWith(`repositories.${repository}.`));
  const kept = new Set(Object.keys(vse.config.repositories).filter((name) => !changed(name)));
  return lock.packages.filter((p) => kept.has(p.repository) && !upgrade.includes(p.name));
}

/**
 * Whether the lock is a whole answer to the VSE by what it says itself: everything asked for is
 * there, and what that needs; nothing is there that nobody needs, is excluded or in conflict.
 * Without network. False also for a lock that does not say enough.
 */
export function lockHolds(lock: Lock, vse: Vse): boolean {
  const layers = lock.stages.flatMap((stage) => stage.layers);
  if (lock.vse.digest !== vse.digest || !lock.packages.some(({ states }) => states)) return false;
  if (layers.join('\n') !== vse.layers.map(({ name }) => name).join('\n')) return false;
  const stated = lock.packages.map((pkg) => ({ ...pkg, states: pkg.states ?? {} }));
  const universe = lockedUniverse(stated, vse.config.distribution.architecture);
  const excluded = new Set(vse.excluded.map(({ name }) => name));
  if (lock.packages.some(({ name }) => excluded.has(name))) return false;
  const all = [...new Set(lock.packages.map(({ name }) => name))].flatMap((name) =>
    universe.versions(name),
  );
  const requests = requestsOf(vse, universe, true);
  if (all.length !== lock.packages.length) return false;
  if (requests.some(({ candidates }) => candidates.length === 0)) return false;
  const { recommends } = vse.config;
  const needed = reachable(
    requests.flatMap(({ candidates }) => candidates),
    (candidate) => universe.constraints(candidate, { recommends }).requirements,
  );
  return all.every((candidate) => needed.has(candidate) && isWhole(candidate, universe));
}

function isWhole(candidate: Candidate, universe: Universe): boolean {
  const { requirements, conflicts } = universe.constraints(candidate, { recommends: false });
  return (
    conflicts.every(({ candidates }) => candidates.length === 0) &&
    requirements.every(({ candidates }) => candidates.length > 0)
  );
}
