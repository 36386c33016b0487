/** What a toolbox is known by. */
import { createHash } from 'node:crypto';
import type { LockedPackage } from './lock.ts';

/** `sha256:…` over the packages, whatever their order and whatever they are there for. */
export function packagesDigest(packages: readonly LockedPackage[]): string {
  const lines = packages.map((p) => `${p.name} ${p.version} ${p.architecture} ${p.sha256}\n`);
  return `sha256:${createHash('sha256').update(lines.sort().join('')).digest('hex')}`;
}
