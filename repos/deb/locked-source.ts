/** Debian packages of a lock as a source of packages, for those that no repository has any more. */
import type { LockedPackage } from '../lock.ts';
import { indexOf } from './index-builder.ts';
import type { DebPackage, DebSource } from './package-table.ts';
import type { KeptField, SeenField, Stanza } from './packages-file.ts';

/** What resolving needs to know of a package besides what every lock says. */
const STATED = [
  'multi-arch',
  'protected',
  'priority',
  'pre-depends',
  'depends',
  'recommends',
  'conflicts',
  'breaks',
  'provides',
] as const satisfies readonly KeptField[];

/** Shown as the suite of a package that only the lock knows. */
export const LOCKED_SUITE = 'locked';

/** `LockedPackage.states` of a package: the fields that are not empty. */
export const statedBy = ({ record }: DebPackage): Readonly<Record<string, string>> =>
  Object.fromEntries(STATED.flatMap((field) => (record[field] ? [[field, record[field]]] : [])));

/**
 * One source for each repository. They are asked last: what a repository still has comes from
 * there.
 */
export function lockedSources(packages: readonly LockedPackage[]): DebSource[] {
  const repositories = new Set(packages.map(({ repository }) => repository));
  return [...repositories].map((repository) => ({
    repository,
    suite: LOCKED_SUITE,
    priority: 0,
    index: indexOf(
      packages.filter((pkg) => pkg.repository === repository && pkg.states).map(toStanza),
      'the lock',
    ),
  }));
}

function toStanza(pkg: LockedPackage): Stanza {
  const fields: [SeenField, string][] = [
    ['package', pkg.name],
    ['version', pkg.version],
    ['architecture', pkg.architecture],
    ['essential', pkg.essential ? 'yes' : 'no'],
    ['source', lockedSource(pkg)],
    ['filename', pkg.filename],
    ['size', String(pkg.size)],
    ['installed-size', String(pkg.installedSize / 1024)],
    ['sha256', pkg.sha256],
  ];
  for (const field of STATED) {
    const value = pkg.states?.[field];
    if (value !== undefined) fields.push([field, value]);
  }
  return new Map(fields);
}

/** `glibc 2.36-9` of a lock is `glibc (2.36-9)` in a Packages file. */
const lockedSource = ({ source = '' }: LockedPackage): string => source.replace(/ (.*)$/, ' ($1)');
