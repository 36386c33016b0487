/** Two sides compared: a value, which text, Markdown and JSON are made of. */
import type { Manifest } from '../../builders/manifest.ts';
import type { Lock } from '../../repos/lock.ts';
import { otherArchitectures } from './architectures.ts';
import { diffOptions, type OptionChange } from './options.ts';
import { diffPackages, otherChanges, type PackageChange } from './packages.ts';
import { titleOf, type Side } from './sides.ts';

/** The same kind of thing on both sides; null on one that has none. */
export interface Change<T> {
  readonly from: T | null;
  readonly to: T | null;
}

export interface FileChange extends Change<{ readonly sha256: string; readonly size: number }> {
  /** In the bundle, without the part that all its names begin with. */
  readonly file: string;
  readonly format: string;
}

/** What `vsec diff --json` prints. A part is null or empty where the sides cannot tell. */
export interface Comparison {
  readonly differs: boolean;
  readonly from: { readonly kind: Side['kind']; readonly title: string };
  readonly to: { readonly kind: Side['kind']; readonly title: string };
  readonly options: readonly OptionChange[];
  readonly packages: readonly PackageChange[];
  /** Bytes of all packages; null when neither changes. */
  readonly sizes: { readonly download: Change<number>; readonly installed: Change<number> } | null;
  /** Release or version of the kernel; null when it is the same. */
  readonly kernel: Change<string> | null;
  readonly cmdline: { readonly added: readonly string[]; readonly removed: readonly string[] };
  /** Digest of the file tree; null when it is the same. */
  readonly rootfs: Change<string> | null;
  /** Of bundles: images, kernels, boot glue and all other files, by digest. */
  readonly files: readonly FileChange[];
  /** What else locks hold, in words. */
  readonly lock: readonly string[];
}

export function compareSides(a: Side, b: Side): Comparison {
  const locks = a.lock && b.lock ? ([a.lock, b.lock] as const) : undefined;
  const bundles = a.manifest && b.manifest ? ([a.manifest, b.manifest] as const) : undefined;
  const packages = locks ? diffPackages(locks[0].packages, locks[1].packages) : [];
  const parts = {
    options: diffOptions(a, b),
    packages,
    sizes: locks && packages.length > 0 ? sizes(...locks) : null,
    kernel: changed(kernelOf(a), kernelOf(b)),
    cmdline: diffWords(cmdlineOf(a), cmdlineOf(b)),
    rootfs: bundles ? changed(bundles[0].rootfs.digest, bundles[1].rootfs.digest) : null,
    files: bundles ? diffFiles(...bundles) : [],
    lock: locks ? [...otherChanges(...locks), ...architectures(a, b)] : [],
  };
  const { added, removed } = parts.cmdline;
  const lists = [parts.options, packages, added, removed, parts.files, parts.lock];
  return {
    differs: lists.some((list) => list.length > 0) || Boolean(parts.kernel ?? parts.rootfs),
    from: { kind: a.kind, title: titleOf(a) },
    to: { kind: b.kind, title: titleOf(b) },
    ...parts,
  };
}

/** A bundle is of one. */
const architectures = (a: Side, b: Side): readonly string[] =>
  a.lock && b.lock && !a.manifest && !b.manifest ? otherArchitectures(a.lock, b.lock) : [];

/** Undefined on a side says that it cannot tell. */
function changed<T>(from: T | undefined, to: T | undefined): Change<T> | null {
  return from === undefined || to === undefined || from === to ? null : { from, to };
}

function sizes(a: Lock, b: Lock): NonNullable<Comparison['sizes']> {
  const sum = (lock: Lock, field: 'size' | 'installedSize') =>
    lock.packages.reduce((total, one) => total + one[field], 0);
  return {
    download: { from: sum(a, 'size'), to: sum(b, 'size') },
    installed: { from: sum(a, 'installedSize'), to: sum(b, 'installedSize') },
  };
}

/** Locks know the kernel by its package, which carries its release in the name. */
function kernelOf({ lock }: Side): string | undefined {
  const found = lock?.packages.find(({ name }) => /^linux-image-\d/.test(name));
  return found && `${found.name.replace('linux-image-', '')} (${found.version})`;
}

function cmdlineOf({ manifest, vse }: Side): readonly string[] | undefined {
  if (manifest) return manifest.boot.kernelCmdline;
  if (!vse) return undefined;
  const { cmdline } = vse.config.kernel;
  return Object.entries(cmdline).map(([key, value]) => (value === true ? key : `${key}=${value}`));
}

function diffWords(
  before: readonly string[] | undefined,
  after: readonly string[] | undefined,
): Comparison['cmdline'] {
  if (!before || !after) return { added: [], removed: [] };
  return {
    added: after.filter((word) => !before.includes(word)),
    removed: before.filter((word) => !after.includes(word)),
  };
}

function diffFiles(a: Manifest, b: Manifest): readonly FileChange[] {
  const filesOf = ({ artifacts, name, version, architecture }: Manifest) => {
    const stem = `${name}_${version}_${architecture}`;
    return new Map(artifacts.map((one) => [one.file.replaceAll(stem, '*'), one]));
  };
  const [before, after] = [filesOf(a), filesOf(b)];
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((file) => {
    const [from, to] = [before.get(file), after.get(file)];
    if (from?.sha256 === to?.sha256) return [];
    const { format } = (to ?? from)!;
    const content = (of: typeof from) => (of ? { sha256: of.sha256, size: of.size } : null);
    return [{ file, format, from: content(from), to: content(to) }];
  });
}
