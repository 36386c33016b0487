/** From the environment that was named to its bundle. */
import { buildBundle, isBuilt, type BuildOptions, type BuildResult } from '../builders/build.ts';
import type { Vse } from '../vse/types.ts';
import { openEnvironment } from './environment.ts';
import { obtainLock, type ObtainSettings } from './obtain-lock.ts';
import type { Session } from './session.ts';

/** Locks if need be, and builds, unless the bundle is there and of exactly this state. */
export async function buildEnvironment(
  target: string,
  session: Session,
  settings: ObtainSettings,
  options: BuildOptions,
): Promise<BuildResult & { readonly vse: Vse }> {
  const vse = await openEnvironment(target, session);
  const lock = await obtainLock(target, vse, session, settings, (found) =>
    isBuilt(vse, found, options),
  );
  return { ...(await buildBundle(vse, lock, options, session.context)), vse };
}
