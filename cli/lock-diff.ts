/** How two locks differ, in packages. */
import type { Lock, LockedPackage } from '../repos/lock.ts';
import { formatBytes } from './format.ts';
import type { Colors } from './terminal.ts';

export interface PackageChange {
  readonly name: string;
  readonly architecture: string;
  /** Absent for a package that came. */
  readonly from?: string;
  /** Absent for a package that went. */
  readonly to?: string;
  /** How much more is installed, in bytes. */
  readonly installedSize: number;
}

type Packages = readonly LockedPackage[];

/** Changes between two sets of packages, by name. */
export function diffPackages(before: Packages, after: Packages): readonly PackageChange[] {
  const key = (p: LockedPackage) => `${p.name}:${p.architecture}`;
  const old = new Map(before.map((p) => [key(p), p]));
  const now = new Map(after.map((p) => [key(p), p]));
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((name) => {
    const [a, b] = [old.get(name), now.get(name)];
    const some = b ?? a;
    if (!some || (a && b && a.version === b.version && a.sha256 === b.sha256)) return [];
    return {
      ...{ name: some.name, architecture: some.architecture },
      ...(a && { from: a.version }),
      ...(b && { to: b.version }),
      installedSize: (b?.installedSize ?? 0) - (a?.installedSize ?? 0),
    };
  });
}

const signed = (bytes: number): string =>
  bytes === 0 ? '' : `  ${bytes < 0 ? '-' : '+'}${formatBytes(Math.abs(bytes))}`;

/** `+ name version`, `- name version`, `~ name old → new`, each with what it adds in size. */
export function packageChangeLine(change: PackageChange, c: Colors): string {
  const { name, from, to, installedSize } = change;
  const size = c.dim(signed(installedSize));
  if (from === undefined) return `${c.green('+')} ${name} ${to ?? ''}${size}`;
  if (to === undefined) return `${c.red('-')} ${name} ${from}${size}`;
  return `${c.yellow('~')} ${name} ${from} → ${to}${size}`;
}

/** What differs between two locks besides the packages of the image, in words. */
export function otherChanges(before: Lock, after: Lock): readonly string[] {
  const same = (pick: (lock: Lock) => unknown) =>
    JSON.stringify(pick(before)) === JSON.stringify(pick(after));
  return [
    same((lock) => lock.vse) || 'the environment',
    same((lock) => [lock.stages, lock.repositories]) || 'the layers or their repositories',
    same((lock) => [lock.indexes, lock.epoch]) || 'the state of the repositories',
    same((lock) => lock.toolbox) || 'the toolbox',
    same((lock) => lock.packages.map((p) => [p.name, p.stage, p.reason])) ||
      'why packages are there, or in which stage',
    same((lock) => lock.insecure) || 'whether signatures were checked',
  ].filter((text) => text !== true);
}
