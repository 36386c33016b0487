/** What `vsec diff` compares: environments, locks, bundles. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST, readManifest, type Manifest } from '../../builders/manifest.ts';
import { describeLockDrift } from '../../repos/lock-drift.ts';
import { readLock } from '../../repos/lock-file.ts';
import type { Lock } from '../../repos/lock.ts';
import { warning } from '../../vse/diagnostic.ts';
import type { TracedVse } from '../../vse/types.ts';
import { openEnvironment, refuseNothing } from '../environment.ts';
import { lockPath } from '../locking.ts';
import type { Session } from '../session.ts';

export interface Side {
  readonly kind: 'environment' | 'lock' | 'bundle';
  readonly vse?: TracedVse;
  readonly lock?: Lock;
  readonly manifest?: Manifest;
}

/** `cfd 2.1.0` */
export function titleOf({ vse, manifest, lock }: Side): string {
  const { name, version } = vse ?? manifest ?? lock!.vse;
  return `${name} ${version}`;
}

/** What `target` names; a bundle brings its lock, an environment the lock beside it if it fits. */
export async function openSide(target: string, session: Session): Promise<Side> {
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
    return { kind: 'lock', lock: await readLock(target) };
  }
  const vse = await openEnvironment(target, session);
  const path = lockPath(target);
  const lock = existsSync(path) ? await readLock(path) : undefined;
  const drift = lock && describeLockDrift(lock, vse);
  if (drift) {
    const hint = `Bring it up to date with 'vsec lock ${target}'; without it packages are not compared.`;
    session.diagnose([warning('CLI031', `${path} is of an earlier state of ${target}`, { hint })]);
  }
  return { kind: 'environment', vse, ...(lock && !drift && { lock }) };
}
