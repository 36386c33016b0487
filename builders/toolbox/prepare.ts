/** Bringing a toolbox into the cache: fetched, verified, unpacked once, used by every build. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import pLimit from 'p-limit';
import { makeFolder } from '../../repos/io-errors.ts';
import { noteUse } from '../../repos/last-use.ts';
import type { Lock, LockedPackage } from '../../repos/lock.ts';
import type { Context } from '../../vse/report.ts';
import { task } from '../../vse/report.ts';
import type { Decompress } from '../deb/archive.ts';
import { readMembers } from '../deb/archive.ts';
import { decompressWith, decompressHere } from '../deb/decompress.ts';
import { extractData } from '../deb/extract.ts';
import { diskTrouble } from '../disk-trouble.ts';
import { abandonedIn, runName } from '../../repos/leftovers.ts';
import { hold } from '../lease.ts';
import { obtainPackages } from '../packages.ts';
import { Tree } from '../rootfs/tree.ts';
import { seal } from '../seal.ts';
import { openToolbox } from '../toolbox.ts';
import type { Toolbox } from '../toolbox.ts';
import { takeTurn } from '../../repos/turn.ts';

/** Enough to run `xz`, which then unpacks the rest. */
const FIRST = new Set(['libc6', 'liblzma5', 'xz-utils', 'libgcc-s1']);

const folderName = (digest: string): string => digest.replace(/^sha256:/, '').slice(0, 32);

/**
 * Makes the toolbox of a lock usable and returns it. Needs no privilege: its files belong to
 * whoever calls, and its programs are never set-user-id.
 */
export async function prepareToolbox(
  toolbox: Lock['toolbox'],
  label: string,
  ctx: Context,
): Promise<Toolbox> {
  const root = join(ctx.cacheDir, 'toolbox', folderName(toolbox.digest));
  await hold([`toolbox/${basename(root)}`], ctx);
  await noteUse(root);
  const prefix = `${basename(root)}.partial-`;
  for (const left of abandonedIn(dirname(root), prefix))
    rmSync(left, { recursive: true, force: true });
  const isMade = (): boolean => existsSync(join(root, '.complete'));
  const end = await takeTurn(basename(root), isMade, ctx);
  try {
    if (!isMade()) await makeToolbox(toolbox, label, root, `${prefix}${runName()}`, ctx);
  } finally {
    end();
  }
  return openToolbox(root, toolbox.digest);
}

async function makeToolbox(
  toolbox: Lock['toolbox'],
  label: string,
  root: string,
  partialName: string,
  ctx: Context,
): Promise<void> {
  const paths = await obtainPackages(toolbox.packages, toolbox.repositories, ctx);
  const partial = join(dirname(root), partialName);
  try {
    await makeFolder(partial);
    await task(ctx.report, 'toolbox', `Unpacking the ${label}`, (advance) =>
      unpack(toolbox.packages, paths, partial, ctx, advance),
    );
    await seal(partial);
    writeFileSync(join(partial, '.complete'), `${toolbox.digest}\n`);
    mkdirSync(dirname(root), { recursive: true });
    try {
      renameSync(partial, root);
    } catch (e) {
      // Another build was faster; theirs is as good.
      if (!existsSync(join(root, '.complete'))) throw e;
    }
  } catch (e) {
    throw diskTrouble(e, `unpack the ${label}`, partial);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

async function unpack(
  packages: readonly LockedPackage[],
  paths: ReadonlyMap<string, string>,
  root: string,
  ctx: Context,
  advance: (done: number, total?: number, detail?: string) => void,
): Promise<void> {
  const tree = new Tree(root);
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) tree.link(name, `usr/${name}`);
  let done = 0;
  const one = async (pkg: LockedPackage, decompress: Decompress): Promise<void> => {
    ctx.signal.throwIfAborted();
    const path = paths.get(pkg.sha256) as string;
    const label = `${pkg.name} ${pkg.version}`;
    await extractData(path, label, readMembers(path).data, decompress, tree, { ownership: false });
    advance(++done, packages.length, pkg.name);
  };
  const library = decompressHere();
  for (const pkg of packages.filter((p) => FIRST.has(p.name))) await one(pkg, library);
  const decompress = decompressWith(openToolbox(root, 'sha256:'));
  const limit = pLimit(ctx.jobs);
  await Promise.all(
    packages.filter((p) => !FIRST.has(p.name)).map((pkg) => limit(() => one(pkg, decompress))),
  );
}
