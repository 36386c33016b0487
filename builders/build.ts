/** `vsec build`: lock → tree → bundle. The bundle appears at its name only when it is whole. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { explainIo, makeFolder } from '../repos/io-errors.ts';
import { lockSha256 } from '../repos/lock-file.ts';
import type { Lock } from '../repos/lock.ts';
import { fingerprint } from '../repos/signing/public-key.ts';
import type { Signer } from '../repos/signing/signer.ts';
import { misuse } from '../vse/diagnostic.ts';
import type { Context } from '../vse/report.ts';
import type { Vse } from '../vse/types.ts';
import type { Backend } from './backend.ts';
import { backendByName } from './backends/index.ts';
import { diskTrouble } from './disk-trouble.ts';
import { formatByName } from './formats.ts';
import { abandonedIn, runName } from '../repos/leftovers.ts';
import { MANIFEST, bundleStem, readManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { RootfsOptions } from './obtain-rootfs.ts';
import { programDigest } from './stages.ts';

export interface BuildOptions extends RootfsOptions {
  /** Folder that receives the bundle. */
  readonly outputDirectory: string;
  /** Instead of `image.formats`. */
  readonly formats?: readonly string[];
  /** Instead of `backends`. */
  readonly backends?: readonly string[];
  /** Who signs the bundle's provenance. */
  readonly signer?: Signer;
  /** Folders of the program that have no part in this bundle: a change of them leaves it as it is. */
  readonly apart?: readonly string[];
}

export interface BuildResult {
  /** Absolute path of the bundle. */
  readonly bundle: string;
  readonly manifest: Manifest;
  /** The bundle was there already, whole and made of the same input. */
  readonly unchanged: boolean;
}

/** Builds the bundle of `vse` at exactly the packages of `lock`. */
export async function buildBundle(
  vse: Vse,
  lock: Lock,
  options: BuildOptions,
  ctx: Context,
): Promise<BuildResult> {
  const plan = planOf(vse, lock, options);
  const { target, input, stem, formats, backends } = plan;
  const present = await unchanged(plan);
  if (present) {
    sweepQuietly(options.outputDirectory, stem);
    return { bundle: target, manifest: present, unchanged: true };
  }
  const suffix = runName();
  const partial = join(options.outputDirectory, `.${stem}.partial-${suffix}`);
  // Before the work is done: a folder that cannot be written shall not cost minutes.
  await explainIo('write the bundle', options.outputDirectory, async () => {
    await makeFolder(options.outputDirectory);
    sweep(options.outputDirectory, stem);
    mkdirSync(partial);
  });
  try {
    const { makeBundle } = await import('./make-bundle.ts');
    const job = { vse, lock, stem, input, formats, backends, folder: partial };
    const manifest = await makeBundle(job, options, ctx);
    ctx.signal.throwIfAborted();
    replace(partial, target, suffix);
    return { bundle: target, manifest, unchanged: false };
  } catch (e) {
    throw diskTrouble(e, 'write the bundle', options.outputDirectory);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Whether the bundle of `vse` is there, whole and made of exactly this lock. */
export const isBuilt = async (vse: Vse, lock: Lock, options: BuildOptions): Promise<boolean> =>
  (await unchanged(planOf(vse, lock, options))) !== undefined;

interface Plan extends Outputs {
  readonly stem: string;
  /** Absolute path of the bundle. */
  readonly target: string;
  /** `sha256:…` of everything that the bundle follows from. */
  readonly input: string;
}

function planOf(vse: Vse, lock: Lock, options: BuildOptions): Plan {
  refuseOrphans(vse);
  const wanted = outputs(vse, options);
  const { architecture } = vse.config.distribution;
  const stem = bundleStem({ name: vse.name, version: vse.version, architecture });
  const target = join(options.outputDirectory, stem);
  if (existsSync(target) && !existsSync(join(target, MANIFEST)))
    throw misuse('BUILD197', `${target} exists and is not a bundle`, {
      hint: 'remove it, or choose another folder with -O',
    });
  return { ...wanted, stem, target, input: inputDigest(vse, lock, wanted, options) };
}

interface Outputs {
  readonly formats: readonly string[];
  readonly backends: readonly Backend[];
}

/** What is to be written. Without a kernel, or when asked for trees alone, there is no glue. */
function outputs(vse: Vse, options: BuildOptions): Outputs {
  const { kernel } = vse.config;
  const hasKernel = kernel.package !== undefined || kernel.image !== undefined;
  const asked = options.formats ?? vse.config.image.formats;
  const disks = asked.filter((name) => formatByName(name).disk);
  if (disks[0] !== undefined && !hasKernel)
    throw misuse('BUILD193', `a ${disks[0]} image needs a kernel, and ${vse.name} has none`, {
      hint: 'set kernel.package or kernel.image, or extend a bootable base, or ask for --format tar.zst',
    });
  const treesAlone = options.formats !== undefined && disks.length === 0 && !options.backends;
  const named =
    hasKernel && !treesAlone ? (options.backends ?? vse.config.backends).map(backendByName) : [];
  const backends = [
    ...new Set([...named, ...named.flatMap(({ brings = [] }) => brings.map(backendByName))]),
  ];
  const lacking = backends.flatMap(({ formats }) =>
    formats.some((name) => asked.includes(name)) ? [] : formats.slice(0, 1),
  );
  return { formats: [...new Set([...asked, ...lacking])], backends };
}

/** Parts of a kernel of one's own, without that kernel. */
function refuseOrphans(vse: Vse): void {
  const { kernel } = vse.config;
  const part = (['modules', 'initrd'] as const).find((key) => kernel[key] !== undefined);
  if (part === undefined || kernel.image !== undefined) return;
  throw misuse('BUILD178', `kernel.${part} belongs to a kernel of your own, and there is none`, {
    span: vse.origins.get(`kernel.${part}`)?.at(-1)?.span,
    hint: `give kernel.image, or leave kernel.${part} out`,
  });
}

/** `sha256:…` of all that the bundle follows from: layers, lock, outputs, program, and who signs. */
function inputDigest(
  vse: Vse,
  lock: Lock,
  { formats, backends }: Outputs,
  { signer, apart }: BuildOptions,
): string {
  const parts = [
    vse.digest,
    lockSha256(lock),
    formats,
    backends.map((b) => b.name),
    programDigest(apart),
    ...(signer ? [fingerprint(signer.key)] : []),
  ];
  return `sha256:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}

/** The manifest of the bundle that is there when it is whole and was made of the same input. */
async function unchanged({ target, input }: Plan): Promise<Manifest | undefined> {
  if (!existsSync(target)) return undefined;
  let manifest: Manifest;
  try {
    manifest = await readManifest(target);
  } catch {
    return undefined;
  }
  const whole = manifest.artifacts.every(
    ({ file, size }) => statSync(join(target, file), { throwIfNoEntry: false })?.size === size,
  );
  return whole && manifest.input === input ? manifest : undefined;
}

/** Takes up what builds of this bundle left that were killed. */
function sweep(folder: string, stem: string): void {
  for (const partial of abandonedIn(folder, `.${stem}.partial-`))
    rmSync(partial, { recursive: true, force: true });
  for (const old of abandonedIn(folder, `${stem}.old-`))
    if (existsSync(join(folder, stem))) rmSync(old, { recursive: true, force: true });
    else renameSync(old, join(folder, stem));
}

/** Where nothing is to be written, a folder that cannot be written is no reason to fail. */
function sweepQuietly(folder: string, stem: string): void {
  try {
    sweep(folder, stem);
  } catch {
    // The next build that writes there takes it up, or says why it cannot.
  }
}

/** Puts the new bundle in the place of the old one, which goes only when the new one is there. */
function replace(partial: string, target: string, suffix: string): void {
  const old = `${target}.old-${suffix}`;
  const had = existsSync(target);
  if (had) renameSync(target, old);
  try {
    renameSync(partial, target);
  } catch (e) {
    if (had) renameSync(old, target);
    throw e;
  }
  rmSync(old, { recursive: true, force: true });
}
