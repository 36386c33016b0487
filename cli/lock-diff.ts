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
  const keys = [...new Set([...old.keys(), ...now.keys()])];
  return keys.sort(byName).flatMap((which) => {
    const [a, b] = [old.get(which), now.get(which)];
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

/** `libcurl4:amd64` before `libcurl4-openssl-dev:amd64`. */
function byName(a: string, b: string): number {
  const [x = '', y = ''] = [a.split(':')[0], b.split(':')[0]];
  return x < y ? -1 : x > y ? 1 : a < b ? -1 : 1;
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

/** Whether what both have is there for the same reason, in the same stage. */
function sameReasons(before: Packages, after: Packages): boolean {
  const old = new Map(before.map((p) => [p.name, p]));
  return after.every(({ name, stage, reason }) => {
    const had = old.get(name);
    return !had || (had.stage === stage && had.reason === reason);
  });
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
    sameReasons(before.packages, after.packages) || 'why packages are there, or in which stage',
    same((lock) => lock.insecure) || 'whether signatures were checked',
  ].filter((text) => text !== true);
}
