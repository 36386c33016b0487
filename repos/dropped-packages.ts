/** Packages that mirrors have dropped since they were locked: archives of snapshots keep them. */
import { VsecError } from '../vse/diagnostic.ts';
import type { Context } from '../vse/report.ts';
import type { LockedPackage } from './lock.ts';
import { archiveVariable } from './mirrors.ts';

/** Where the files of a repository are. */
export interface Addresses {
  /** Logical name, if the repository has one. */
  readonly mirror: string | undefined;
  readonly mirrors: readonly string[];
  /** Of the repository as it was when it was locked; empty when no such archive is known. */
  readonly archives: readonly string[];
}

/**
 * Gets a package from the mirrors; one that is on none of them from an archive.
 * @throws REPO152 neither has it
 */
export async function fromMirrorsOrArchive(
  pkg: LockedPackage,
  { mirror, mirrors, archives }: Addresses,
  get: (bases: readonly string[]) => Promise<string>,
  ctx: Pick<Context, 'report'>,
): Promise<string> {
  try {
    return await get(mirrors);
  } catch (error) {
    if (!isDropped(error)) throw error;
    if (archives.length === 0)
      throw dropped(error, pkg, mirror, 'and no archive of snapshots is known');
    const message = `${pkg.name} ${pkg.version} is no longer on the mirrors: asking the archive of snapshots`;
    ctx.report({ type: 'log', level: 'info', message });
    try {
      return await get(archives);
    } catch (further) {
      throw isDropped(further) ? dropped(further, pkg, mirror, 'on the mirrors neither') : further;
    }
  }
}

const isDropped = (error: unknown): error is VsecError =>
  error instanceof VsecError && error.diagnostics[0]?.code === 'REPO152';

function dropped(
  error: VsecError,
  { name }: LockedPackage,
  mirror: string | undefined,
  note: string,
): VsecError {
  const upgrade = `'vsec lock ENV --upgrade ${name}' takes the version that there is now`;
  const archive =
    mirror === undefined
      ? ''
      : `; or name an archive that keeps old ones: export ${archiveVariable(mirror)}=http://snapshot.example/${mirror}/{timestamp}`;
  return new VsecError(
    error.diagnostics.map((diagnostic) => ({
      ...diagnostic,
      notes: [...diagnostic.notes, { message: note }],
      hint: upgrade + archive,
    })),
  );
}
