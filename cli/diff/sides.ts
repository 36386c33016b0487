/** What `vsec diff` compares: environments, locks, bundles. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST, readManifest, type Manifest } from '../../builders/manifest.ts';
import { describeLockDrift } from '../../repos/lock-drift.ts';
import { readLock } from '../../repos/lock-file.ts';
import { architecturesOf, lockOf } from '../../repos/lock-architectures.ts';
import type { LockFile } from '../../repos/lock.ts';
import { misuse, warning } from '../../vse/diagnostic.ts';
import type { TracedVse } from '../../vse/types.ts';
import { openEnvironment, refuseNothing } from '../environment.ts';
import { lockPath } from '../lock-beside.ts';
import type { Session } from '../session.ts';

export interface Side {
  readonly kind: 'environment' | 'lock' | 'bundle';
  readonly vse?: TracedVse;
  readonly lock?: LockFile;
  readonly manifest?: Manifest;
}

/** `cfd 2.1.0` */
export function titleOf({ vse, manifest, lock }: Side): string {
  const { name, version } = vse ?? manifest ?? lock!.vse;
  return `${name} ${version}`;
}

/**
 * What `target` names; a bundle brings its lock, an environment the lock beside it if it fits.
 * @param architecture instead of the environment's own, or the lock's first
 * @throws CLI009 a lock without that architecture
 */
export async function openSide(
  target: string,
  session: Session,
  architecture?: string,
): Promise<Side> {
  refuseNothing(target);
  const stat = statSync(target, { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    const manifest = await readManifest(target);
    const path = join(target, 'lock.json');
    return {
      ...{ kind: 'bundle', manifest },
      ...(existsSync(path) && { lock: await readLock(path) }),
    };
  }
  if (stat && target.endsWith('.json') && target !== MANIFEST) {
    return { kind: 'lock', lock: partOf(await readLock(target), target, architecture) };
  }
  const vse = await openEnvironment(
    target,
    session,
    architecture === undefined ? {} : { architecture },
  );
  const path = lockPath(target);
  const own = vse.config.distribution.architecture;
  const file = existsSync(path) ? await readLock(path) : undefined;
  const lock = file?.distribution.architecture === own ? file : file && lockOf(file, own);
  const drift = lock && describeLockDrift(lock, vse);
  if (drift) {
    const hint = `Bring it up to date with 'vsec lock ${target}'; without it packages are not compared.`;
    session.diagnose([warning('CLI031', `${path} is of an earlier state of ${target}`, { hint })]);
  }
  return { kind: 'environment', vse, ...(lock && !drift && { lock }) };
}

function partOf(file: LockFile, path: string, architecture: string | undefined): LockFile {
  const lock = architecture === undefined ? file : lockOf(file, architecture);
  if (lock) return lock;
  throw misuse('CLI009', `${path} is not for ${architecture}`, {
    hint: `It holds ${architecturesOf(file).join(', ')}.`,
  });
}
