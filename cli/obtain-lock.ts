/** The lock that a command works with. */
import { lockOf } from '../repos/lock-architectures.ts';
import { describeLockDrift } from '../repos/lock-drift.ts';
import { readLock, writeLock } from '../repos/lock-file.ts';
import type { Lock } from '../repos/lock.ts';
import { VsecError, warning } from '../vse/diagnostic.ts';
import type { Vse } from '../vse/types.ts';
import { lockBeside, lockPath } from './lock-beside.ts';
import type { LockSettings } from './locking.ts';
import type { Session } from './session.ts';

export interface ObtainSettings extends LockSettings {
  /** Take the lock as it is, or fail. */
  readonly locked: boolean;
}

/**
 * The lock to build with: the one that is there if it still fits, else a new one, written. One that
 * is `proven`, for something was made of exactly it, need not be examined again.
 */
export async function obtainLock(
  target: string,
  vse: Vse,
  session: Session,
  settings: ObtainSettings,
  proven: (lock: Lock) => Promise<boolean> = () => Promise.resolve(false),
): Promise<Lock> {
  const path = lockPath(target);
  const own = vse.config.distribution.architecture;
  const previous = settings.locked ? await readLock(path) : await lockBeside(target);
  if (previous) {
    const lock = lockOf(previous, own) ?? previous;
    const drift = describeLockDrift(lock, vse);
    const trouble = drift ?? ((await proven(lock)) ? undefined : await gapIn(lock, vse));
    if (trouble && settings.locked) throw new VsecError(trouble, 1);
    if (!trouble) {
      if (lock.insecure && !settings.insecure) session.diagnose([insecureLock(path)]);
      return lock;
    }
    session.say(`${path}: ${trouble.message}: locking anew`);
  }
  const { makeLockFile } = await import('./locking.ts');
  const file = await makeLockFile(target, vse, previous, session, settings);
  await writeLock(path, file);
  session.say(`wrote ${path}`);
  return lockOf(file, own)!;
}

/** What resolves and what examines is loaded when there is something for it to do. */
const gapIn = async (lock: Lock, vse: Vse) =>
  (await import('../repos/lock-holds.ts')).describeLockGap(lock, vse);

const insecureLock = (path: string) =>
  warning('CLI030', `${path} was made without checking signatures`, {
    hint: "Make it anew with 'vsec lock'.",
  });
