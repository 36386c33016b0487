/** What differs between two locks in the architectures beside the first. */
import { architecturesOf, lockOf } from '../../repos/lock-architectures.ts';
import type { LockFile } from '../../repos/lock.ts';
import { plural } from '../format.ts';
import { diffPackages, otherChanges } from './packages.ts';

/** In words, one to an architecture that differs. */
export function otherArchitectures(before: LockFile, after: LockFile): readonly string[] {
  const own = [before, after].map(({ distribution }) => distribution.architecture);
  const names = new Set([before, after].flatMap(architecturesOf));
  return [...names].sort().flatMap((name) => {
    if (own.includes(name)) return [];
    const [was, is] = [lockOf(before, name), lockOf(after, name)];
    if (!was) return [`${name}: locked as well`];
    if (!is) return [`${name}: no longer locked`];
    const packages = diffPackages(was.packages, is.packages);
    const found = [
      ...(packages.length > 0 ? [plural(packages.length, 'package')] : []),
      ...otherChanges(was, is),
    ];
    return found.length > 0 ? [`${name}: ${found.join(', ')}`] : [];
  });
}
