/** Which lock belongs to an environment. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { LockFile } from '../repos/lock.ts';

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
export const lockBeside = async (target: string): Promise<LockFile | undefined> => {
  const path = lockPath(target);
  if (!existsSync(path)) return undefined;
  const { readLock } = await import('../repos/lock-file.ts');
  return readLock(path);
};
