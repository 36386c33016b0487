/** Installing one stage: unpack, preinst, `dpkg --configure`; in an order that is always the same. */
import pLimit from 'p-limit';
import type { Inside } from '../sandbox/inside.ts';
import { Tree } from '../rootfs/tree.ts';
import type { Ahead } from './ahead.ts';
import type { Decompress } from './archive.ts';
import { decompressHere } from './decompress.ts';
import { parseRelations } from './control.ts';
import { Database } from './database.ts';
import { configure, hasPreinst, runPreinsts } from './maintainer.ts';
import { Ownership } from './ownership.ts';
import type { Package, PackageFile } from './unpack.ts';
import { openPackage, unpackAll } from './unpack.ts';

export interface InstallOptions {
  readonly jobs: number;
  readonly decompress: Decompress;
  readonly ahead?: Ahead;
  readonly unpacked: (bytes: number) => void;
  readonly configuring: (name: string) => void;
}

/** Names on the `Pre-Depends` and `Depends` of a package, without versions or alternatives' tails. */
const dependencies = (pkg: Package, field: 'Pre-Depends' | 'Depends'): readonly string[] =>
  parseRelations(pkg.control.fields.get(field)?.replaceAll(/\|[^,]*/g, '')).map((r) => r.name);

/** The packages of `all` that `start` needs, directly or not, without `start` itself. */
function closure(start: Package, all: ReadonlyMap<string, Package>): ReadonlySet<Package> {
  const seen = new Set<Package>();
  const queue = [...dependencies(start, 'Pre-Depends')];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const pkg = all.get(name);
    if (!pkg || pkg === start || seen.has(pkg)) continue;
    seen.add(pkg);
    queue.push(...dependencies(pkg, 'Pre-Depends'), ...dependencies(pkg, 'Depends'));
  }
  return seen;
}

/** The folders that a merged-/usr system has as links from its first moment on. */
export function mergeUsr(root: string, architecture: string): void {
  const tree = new Tree(root);
  for (const name of ['bin', 'sbin', 'lib', ...(architecture === 'amd64' ? ['lib64'] : [])])
    tree.link(name, `usr/${name}`);
}

/**
 * Installs the packages `files` into the tree that `inside` enters.
 *
 * A package without preinst is unpacked at once. One with a preinst waits until that script has
 * run, which in turn waits until what the package pre-depends on is configured; only the
 * essential packages, which make running scripts possible, are unpacked before their own.
 */
export async function installPackages(
  files: readonly PackageFile[],
  inside: Inside,
  options: InstallOptions,
): Promise<void> {
  const tree = new Tree(inside.root);
  const database = new Database(tree);
  const fresh = database.installed().length === 0;
  const ownership = new Ownership();
  if (!fresh) database.loadOwnership(ownership);

  const limit = pLimit(options.jobs);
  const control = decompressHere(options.decompress);
  const packages = await Promise.all(files.map((file) => limit(() => openPackage(file, control))));
  packages.sort((a, b) => (a.owner.id < b.owner.id ? -1 : 1));
  const byName = new Map(packages.map((pkg) => [pkg.owner.name, pkg]));

  const base = new Set<Package>();
  if (fresh)
    for (const pkg of packages)
      if (pkg.control.fields.get('Essential') === 'yes') {
        base.add(pkg);
        for (const needed of closure(pkg, byName)) base.add(needed);
        for (const name of dependencies(pkg, 'Depends')) {
          const needed = byName.get(name);
          if (needed) {
            base.add(needed);
            for (const more of closure(needed, byName)) base.add(more);
          }
        }
      }

  const unpack = (list: readonly Package[]): Promise<void> =>
    unpackAll(list, tree, database, options.decompress, {
      jobs: options.jobs,
      ownership,
      advance: options.unpacked,
      ...(options.ahead && { ahead: options.ahead }),
    });

  const waiting = new Set(packages.filter((pkg) => hasPreinst(pkg) && !base.has(pkg)));
  await unpack(packages.filter((pkg) => !waiting.has(pkg)));
  if (fresh) {
    // base-passwd's preinst writes /etc/passwd, which every other script may look into.
    const order = [...base].sort(
      (a, b) => Number(b.owner.name === 'base-passwd') - Number(a.owner.name === 'base-passwd'),
    );
    await runPreinsts(inside, order);
  }

  while (waiting.size > 0) {
    const needs = new Map([...waiting].map((pkg) => [pkg, closure(pkg, byName)]));
    let ready = [...waiting].filter(
      (pkg) => ![...(needs.get(pkg) ?? [])].some((n) => waiting.has(n)),
    );
    if (ready.length === 0) ready = [...waiting];
    const first = new Set(ready.flatMap((pkg) => [...(needs.get(pkg) ?? [])]));
    const unconfigured = database.unconfigured();
    const names = [...first].map((pkg) => pkg.owner.id).filter((id) => unconfigured.has(id));
    if (names.length > 0) await configure(inside, names.sort(), options.configuring);
    for (const pkg of ready) database.writeInfo(pkg.owner, pkg.control);
    await runPreinsts(inside, ready);
    tree.refresh();
    await unpack(ready);
    for (const pkg of ready) waiting.delete(pkg);
  }
  await configure(inside, 'all', options.configuring);
}
