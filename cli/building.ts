/** Building the environment that was named, and finding what was built of it before. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildBundle, type BuildOptions, type BuildResult } from '../builders/build.ts';
import { bundleStem, MANIFEST, readManifest } from '../builders/manifest.ts';
import { lockSha256 } from '../repos/lock-file.ts';
import type { Lock } from '../repos/lock.ts';
import type { Vse } from '../vse/types.ts';
import { openEnvironment } from './environment.ts';
import { obtainLock, type ObtainSettings } from './locking.ts';
import type { Session } from './session.ts';

/** Locks if need be, and builds. */
export async function buildEnvironment(
  target: string,
  session: Session,
  settings: ObtainSettings,
  options: BuildOptions,
): Promise<BuildResult> {
  const vse = await openEnvironment(target, session);
  const lock = await obtainLock(target, vse, session, settings);
  return buildBundle(vse, lock, options, session.context);
}

/** The bundle of exactly this state of the environment in `folder`, if it was built there. */
async function builtBefore(vse: Vse, lock: Lock, folder: string): Promise<string | undefined> {
  const { name, version } = vse;
  const { architecture } = vse.config.distribution;
  const bundle = join(folder, bundleStem({ name, version, architecture }));
  if (!existsSync(join(bundle, MANIFEST))) return undefined;
  const manifest = await readManifest(bundle);
  const current = manifest.vse.digest === vse.digest && manifest.lock.sha256 === lockSha256(lock);
  return current ? bundle : undefined;
}

/** As `buildEnvironment`, but takes what is in the output folder if it is of the current state. */
export async function bundleOf(
  target: string,
  session: Session,
  settings: ObtainSettings,
  options: BuildOptions,
): Promise<string> {
  const vse = await openEnvironment(target, session);
  const lock = await obtainLock(target, vse, session, settings);
  const before = await builtBefore(vse, lock, options.outputDirectory);
  return before ?? (await buildBundle(vse, lock, options, session.context)).bundle;
}
