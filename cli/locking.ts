/** Which lock belongs to an environment, and bringing it up to date. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describeLockDrift } from '../repos/lock-drift.ts';
import { readLock, writeLock } from '../repos/lock-file.ts';
import { lockVse } from '../repos/lock-vse.ts';
import type { Upgrade } from '../repos/pins.ts';
import type { Lock } from '../repos/lock.ts';
import { VsecError, warning } from '../vse/diagnostic.ts';
import type { Vse } from '../vse/types.ts';
import type { Session } from './session.ts';
import { toolboxDefinition } from './toolboxes.ts';

/**
 * Path of the lock of the environment that was named as `target`: `cfd.yaml` → `cfd.lock.json`
 * beside it; for a base, which lies in no folder of the user's, in the current folder.
 */
export function lockPath(target: string): string {
  const stem = target.replace(/\.ya?ml$/, '');
  return existsSync(resolve(target))
    ? `${stem}.lock.json`
    : `${stem.replaceAll('/', '_')}.lock.json`;
}

/** The lock that lies beside an environment, if there is one. */
export const lockBeside = async (target: string): Promise<Lock | undefined> => {
  const path = lockPath(target);
  return existsSync(path) ? readLock(path) : undefined;
};

export interface LockSettings {
  /** Signatures are not checked; the lock says so. */
  readonly insecure: boolean;
  /** What of the previous lock may move to other versions without need. */
  readonly upgrade?: Upgrade | undefined;
}

/**
 * Resolves the environment and the toolbox that it is built with, near a previous lock; see
 * `lockVse`. Writes nothing.
 */
export async function makeLock(
  vse: Vse,
  previous: Lock | undefined,
  session: Session,
  settings: LockSettings,
): Promise<Lock> {
  const { context } = session;
  const toolbox = await toolboxDefinition('build', context.env);
  const { lock, warnings } = await lockVse(vse, toolbox, context, { ...settings, previous });
  session.diagnose(warnings);
  return lock;
}

export interface ObtainSettings extends LockSettings {
  /** Take the lock as it is, or fail. */
  readonly locked: boolean;
}

/** The lock to build with: the one that is there if it still fits, else a new one, written. */
export async function obtainLock(
  target: string,
  vse: Vse,
  session: Session,
  settings: ObtainSettings,
): Promise<Lock> {
  const path = lockPath(target);
  const previous = settings.locked ? await readLock(path) : await lockBeside(target);
  if (previous) {
    const lock = previous;
    const drift = describeLockDrift(lock, vse);
    if (drift && settings.locked) throw new VsecError(drift, 1);
    if (!drift) {
      if (lock.insecure && !settings.insecure) session.diagnose([insecureLock(path)]);
      return lock;
    }
    session.say(`${path} is of an earlier state of the environment: locking anew`);
  }
  const lock = await makeLock(vse, previous, session, settings);
  await writeLock(path, lock);
  session.say(`wrote ${path}`);
  return lock;
}

const insecureLock = (path: string) =>
  warning('CLI030', `${path} was made without checking signatures`, {
    hint: "Make it anew with 'vsec lock'.",
  });
