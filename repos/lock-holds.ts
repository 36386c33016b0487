/** Whether a lock is an answer to an environment, by what it says itself: without network. */
import { error, type Diagnostic } from '../vse/diagnostic.ts';
import type { Vse } from '../vse/types.ts';
import { lockedUniverse } from './deb/load-universe.ts';
import type { Lock } from './lock.ts';
import { packagesDigest } from './packages-digest.ts';
import { reachable } from './reachable.ts';
import { requestsOf } from './requests.ts';

/** What the lock's packages state about each other, and what the VSE asks of them. */
function examine(lock: Lock, vse: Vse) {
  const stated = lock.packages.map((pkg) => ({ ...pkg, states: pkg.states ?? {} }));
  const universe = lockedUniverse(stated, vse.config.distribution.architecture);
  const names = [...new Set(lock.packages.map(({ name }) => name))];
  const all = names.flatMap((name) => universe.versions(name));
  return { universe, all, requests: requestsOf(vse, universe, true) };
}

/** Locks of earlier vsecs do not say what their packages need. */
const saysEnough = (lock: Lock): boolean => lock.packages.some(({ states }) => states);

/**
 * Whether the lock is a whole answer to the VSE: everything asked for is there, and what that needs;
 * nothing is there that nobody needs, is excluded or in conflict. False also for a lock that does not
 * say enough.
 */
export function lockHolds(lock: Lock, vse: Vse): boolean {
  const layers = lock.stages.flatMap((stage) => stage.layers);
  if (lock.distribution.architecture !== vse.config.distribution.architecture) return false;
  if (lock.vse.digest !== vse.digest || !saysEnough(lock)) return false;
  if (layers.join('\n') !== vse.layers.map(({ name }) => name).join('\n')) return false;
  const excluded = new Set(vse.excluded.map(({ name }) => name));
  if (lock.packages.some(({ name }) => excluded.has(name))) return false;
  const { universe, all, requests } = examine(lock, vse);
  if (all.length !== lock.packages.length) return false;
  if (requests.some(({ candidates }) => candidates.length === 0)) return false;
  const { recommends } = vse.config;
  const needed = reachable(
    requests.flatMap(({ candidates }) => candidates),
    (candidate) => universe.constraints(candidate, { recommends }).requirements,
  );
  return all.every((candidate) => {
    const { requirements, conflicts } = universe.constraints(candidate, { recommends: false });
    return (
      needed.has(candidate) &&
      conflicts.every(({ candidates }) => candidates.length === 0) &&
      requirements.every(({ candidates }) => candidates.length > 0)
    );
  });
}

/** SOLV142: the lock was changed by hand, or put together of two, and can install nothing. */
export function describeLockGap(lock: Lock, vse: Vse): Diagnostic | undefined {
  const gap = (message: string): Diagnostic =>
    error('SOLV142', `the lock does not hold together: ${message}`, {
      hint: "it was changed by hand, or by a merge: bring it in order with 'vsec lock'",
    });
  if (packagesDigest(lock.toolbox.packages) !== lock.toolbox.digest)
    return gap('its toolbox is not the one that it names');
  if (lock.packages.length > 0 && !saysEnough(lock)) return undefined;
  const keys = lock.packages.map(({ name, architecture }) => `${name}:${architecture}`);
  const twice = keys.find((key, i) => keys.indexOf(key) !== i);
  if (twice !== undefined) return gap(`${twice} is in it twice`);
  const { universe, all, requests } = examine(lock, vse);
  const asked = requests.find(({ candidates }) => candidates.length === 0);
  if (asked) return gap(`the environment asks for ${asked.target}, which is not in it`);
  for (const candidate of all) {
    const { requirements } = universe.constraints(candidate, { recommends: false });
    const missing = requirements.find(({ candidates }) => candidates.length === 0);
    const { name } = universe.info(candidate);
    if (missing) return gap(`${name} ${missing.verb} ${missing.target}, which is not in it`);
  }
  return undefined;
}
