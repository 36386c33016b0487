/** How two locks differ: packages, and what else a lock holds. */
import { compareVersions } from '../../vse/deb-version.ts';
import type { Lock, LockedPackage } from '../../repos/lock.ts';
import { formatBytes } from '../format.ts';
import type { Colors } from '../terminal.ts';

export interface PackageChange {
  readonly name: string;
  readonly architecture: string;
  /** `rebuilt`: the same version, but not the same file. */
  readonly change: 'added' | 'removed' | 'upgraded' | 'downgraded' | 'rebuilt';
  /** Version; absent for a package that came. */
  readonly from?: string;
  /** Version; absent for a package that went. */
  readonly to?: string;
  /** How much more is to be fetched, in bytes. */
  readonly size: number;
  /** How much more is installed, in bytes. */
  readonly installedSize: number;
}

type Packages = readonly LockedPackage[];

/** Changes between two sets of packages, by name. */
export function diffPackages(before: Packages, after: Packages): readonly PackageChange[] {
  const old = new Map(before.map((p) => [`${p.name}:${p.architecture}`, p]));
  const now = new Map(after.map((p) => [`${p.name}:${p.architecture}`, p]));
  // Some packages become independent of the architecture, or cease to be: they are the same still.
  for (const [key, p] of now) {
    const moved = before.filter(({ name }) => name === p.name);
    const still = after.filter(({ name }) => name === p.name);
    if (old.has(key) || moved.length !== 1 || still.length !== 1) continue;
    old.delete(`${p.name}:${moved[0]!.architecture}`);
    old.set(key, moved[0]!);
  }
  const keys = [...new Set([...old.keys(), ...now.keys()])];
  return keys.sort(byName).flatMap((which) => {
    const [a, b] = [old.get(which), now.get(which)];
    const some = b ?? a;
    if (!some || (a && b && a.version === b.version && a.sha256 === b.sha256)) return [];
    return {
      ...{ name: some.name, architecture: some.architecture, change: kindOf(a, b) },
      ...(a && { from: a.version }),
      ...(b && { to: b.version }),
      size: (b?.size ?? 0) - (a?.size ?? 0),
      installedSize: (b?.installedSize ?? 0) - (a?.installedSize ?? 0),
    };
  });
}

function kindOf(a: LockedPackage | undefined, b: LockedPackage | undefined) {
  if (!a) return 'added';
  if (!b) return 'removed';
  const order = compareVersions(a.version, b.version);
  return order < 0 ? 'upgraded' : order > 0 ? 'downgraded' : 'rebuilt';
}

/** `libcurl4:amd64` before `libcurl4-openssl-dev:amd64`. */
function byName(a: string, b: string): number {
  const [x = '', y = ''] = [a.split(':')[0], b.split(':')[0]];
  return x < y ? -1 : x > y ? 1 : a < b ? -1 : 1;
}

/** `+1.2 MB`, `-300 kB`; nothing for nothing. */
export const signedBytes = (bytes: number): string =>
  bytes === 0 ? '' : `${bytes < 0 ? '-' : '+'}${formatBytes(Math.abs(bytes))}`;

/** `+ name version`, `- name version`, `~ name old → new`, each with what it adds in size. */
export function packageChangeLine(change: PackageChange, c: Colors): string {
  const { name, from, to, installedSize, change: kind } = change;
  const more = signedBytes(installedSize);
  const size = more && c.dim(`  ${more}`);
  if (from === undefined) return `${c.green('+')} ${name} ${to ?? ''}${size}`;
  if (to === undefined) return `${c.red('-')} ${name} ${from}${size}`;
  const note = kind === 'upgraded' ? '' : c.yellow(`  ${kind}`);
  return `${c.yellow('~')} ${name} ${from} → ${to}${size}${note}`;
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
    canonical(pick(before)) === canonical(pick(after));
  const undated = ({ repositories }: Pick<Lock, 'repositories'>) =>
    repositories.map(({ dates: _, ...repository }) => repository);
  return [
    same((lock) => lock.vse) || 'the environment',
    same((lock) => [lock.stages, undated(lock)]) || 'the layers or their repositories',
    same((lock) => [lock.indexes, lock.epoch]) || 'the state of the repositories',
    same((lock) => lock.toolbox.digest) || 'the toolbox',
    sameReasons(before.packages, after.packages) || 'why packages are there, or in which stage',
    same((lock) => lock.insecure) || 'whether signatures were checked',
  ].filter((text) => text !== true);
}

/** JSON with keys in order: a lock that was read has them in another one than a new lock. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, v: unknown) =>
    v !== null && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
