/** When something in the cache was used last: the time of its file or folder. */
import { utimes } from 'node:fs/promises';

/** Notes that `path` is used now. That it cannot be noted (a read-only cache) hinders nobody. */
export async function noteUse(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => {});
}
