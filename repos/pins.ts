/** What of a lock is kept when it is made anew: whole, or package by package. */
import { misuse } from '../vse/diagnostic.ts';
import type { Vse } from '../vse/types.ts';
import { optionDrift } from './lock-drift.ts';
import type { Lock, LockedPackage } from './lock.ts';
import { nearestNames } from './resolve-failure.ts';

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
