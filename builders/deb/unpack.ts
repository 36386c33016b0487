/** Unpacking many packages at once, and recording them as unpacked. */
import pLimit from 'p-limit';
import { VsecError, failure } from '../../vse/diagnostic.ts';
import type { Tree } from '../rootfs/tree.ts';
import type { Ahead } from './ahead.ts';
import type { Decompress, DebMembers } from './archive.ts';
import { readMembers } from './archive.ts';
import type { ControlData } from './control.ts';
import { readControl } from './control.ts';
import type { Database } from './database.ts';
import { extractData } from './extract.ts';
import type { Owner, Ownership } from './ownership.ts';
import { ownerOf } from './ownership.ts';

/** A package file, opened as far as its control data. */
export interface Package {
  readonly path: string;
  /** `name version`, for messages. */
  readonly label: string;
  readonly members: DebMembers;
  readonly control: ControlData;
  readonly owner: Owner;
}

/** A package file as the lock has it. */
export interface PackageFile {
  /** Absolute path. */
  readonly path: string;
  /** `name version`. */
  readonly label: string;
}

export async function openPackage(file: PackageFile, decompress: Decompress): Promise<Package> {
  const { path, label } = file;
  try {
    const members = readMembers(path);
    const control = await readControl(path, members, decompress);
    const owner = ownerOf(control.fields);
    const found = `${owner.name} ${owner.version}`;
    if (found !== label)
      throw failure(
        'BUILD104',
        `its repository's index says ${label}, but the package is ${found}`,
        {
          notes: [{ message: `in ${path}` }],
          hint: 'the repository is inconsistent: lock again later; or the lock was changed by hand: remove it first',
        },
      );
    return { path, label, members, control, owner };
  } catch (e) {
    if (!(e instanceof VsecError)) throw e;
    const [first, ...rest] = e.diagnostics;
    if (!first || first.message.includes(label)) throw e;
    const notes = [{ message: `package ${label}` }, ...first.notes];
    throw new VsecError([{ ...first, notes }, ...rest], e.exitCode);
  }
}

export interface UnpackOptions {
  readonly jobs: number;
  readonly ownership: Ownership;
  readonly advance?: (bytes: number) => void;
  readonly ahead?: Ahead;
}

/** `/etc/x` lines of the `conffiles` member, without those that ask for removal. */
function conffilesOf(control: ControlData): readonly string[] {
  const text = control.files.get('conffiles')?.bytes.toString('utf8') ?? '';
  return text.split('\n').filter((line) => line.startsWith('/'));
}

/**
 * Unpacks `packages` in parallel and writes the database in the order given, so that the result
 * does not depend on which finished first. Configuration files go straight to their place, with
 * their digest recorded: there is no older version of them to keep.
 */
export async function unpackAll(
  packages: readonly Package[],
  tree: Tree,
  database: Database,
  decompress: Decompress,
  options: UnpackOptions,
): Promise<void> {
  const limit = pLimit(options.jobs);
  const { ownership } = options;
  tree.refresh();
  const diversions = database.diversions();
  for (const { from, to, by } of diversions) ownership.divert(from, to, by);
  const results = await Promise.all(
    packages.map((pkg) =>
      limit(async () => {
        const { owner } = pkg;
        const conffiles = conffilesOf(pkg.control);
        const diverted = new Map(
          diversions.filter((d) => d.by !== owner.name).map((d) => [d.from, d.to]),
        );
        const plain = await options.ahead?.take(pkg.path);
        const extracted = await extractData(
          plain?.path ?? pkg.path,
          pkg.label,
          plain?.member ?? pkg.members.data,
          decompress,
          tree,
          {
            ownership: true,
            digests: new Set(conffiles.map((path) => path.slice(1))),
            placement: {
              file: (real) => {
                const to = diverted.get(real) ?? real;
                return ownership.claim(to, owner) === 'write' ? to : undefined;
              },
              folder: (real) => ownership.claimFolder(real, owner),
              link: (real) => ownership.shipsLink(real, owner),
              foreignLink: (real) => ownership.foreignLink(real, owner)?.name,
            },
            ...(options.advance && { advance: options.advance }),
          },
        );
        await options.ahead?.release(pkg.path);
        return { pkg, extracted, conffiles };
      }),
    ),
  );
  const lost = ownership.settle();
  for (const { pkg, extracted, conffiles } of results)
    database.addUnpacked(
      pkg.owner,
      pkg.control,
      extracted.paths,
      new Map(
        conffiles.flatMap((path) => {
          const md5 = extracted.digests.get(path.slice(1));
          return md5 ? [[path, md5] as const] : [];
        }),
      ),
    );
  database.applyLost(lost);
  database.activateTriggers(
    results.map(({ pkg, extracted }) => ({ control: pkg.control, paths: extracted.paths })),
  );
}
