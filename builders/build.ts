/** `vsec build`: lock → tree → bundle. The bundle appears at its name only when it is whole. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lockSha256 } from '../repos/lock-file.ts';
import type { Lock } from '../repos/lock.ts';
import { misuse } from '../vse/diagnostic.ts';
import type { Context } from '../vse/report.ts';
import type { Vse } from '../vse/types.ts';
import { backendByName } from './backends/index.ts';
import { writeBundle } from './bundle.ts';
import { formatByName } from './formats.ts';
import { MANIFEST, bundleStem } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { obtainRootfs } from './obtain-rootfs.ts';
import type { RootfsOptions } from './obtain-rootfs.ts';
import { prepareToolbox } from './toolbox/prepare.ts';

export interface BuildOptions extends RootfsOptions {
  /** Folder that receives the bundle. */
  readonly outputDirectory: string;
  /** Instead of `image.formats`. */
  readonly formats?: readonly string[];
  /** Instead of `backends`. */
  readonly backends?: readonly string[];
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
  const backends = (options.backends ?? vse.config.backends).map(backendByName);
  const hasKernel = vse.config.kernel.package !== undefined;
  const asked = options.formats ?? vse.config.image.formats;
  const formats = [
    ...new Set([...asked, ...(hasKernel ? backends.flatMap((b) => [...b.formats]) : [])]),
  ];
  for (const name of formats)
    if (formatByName(name).disk && !hasKernel)
      throw misuse('BUILD193', `a ${name} image needs a kernel, and ${vse.name} has none`, {
        hint: 'set kernel.package, or extend a bootable base, or ask for --format tar.zst',
      });

  const { architecture } = vse.config.distribution;
  const stem = bundleStem({ name: vse.name, version: vse.version, architecture });
  const target = join(options.outputDirectory, stem);
  if (existsSync(target) && !existsSync(join(target, MANIFEST)))
    throw misuse('BUILD197', `${target} exists and is not a bundle`, {
      hint: 'remove it, or choose another folder with -O',
    });
  mkdirSync(options.outputDirectory, { recursive: true });

  const toolbox = await prepareToolbox(lock.toolbox, 'build toolbox', ctx);
  const rootfs = await obtainRootfs(vse, lock, toolbox, ctx, options);
  ctx.signal.throwIfAborted();

  const suffix = `${process.pid}-${randomBytes(4).toString('hex')}`;
  const partial = join(options.outputDirectory, `.${stem}.partial-${suffix}`);
  mkdirSync(partial);
  try {
    const manifest = await writeBundle(
      {
        vse,
        lock,
        lockSha256: lockSha256(lock),
        rootfs,
        toolbox,
        stem,
        formats,
        backends: hasKernel ? backends : [],
        folder: partial,
      },
      ctx,
    );
    ctx.signal.throwIfAborted();
    replace(partial, target, suffix);
    return { bundle: target, manifest, unchanged: false };
  } finally {
    rmSync(partial, { recursive: true, force: true });
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
