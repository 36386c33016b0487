/** Writing a file of the user's: whole or not at all, and nothing else changes around it. */
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { explainIo, makeFolder } from './io-errors.ts';
import { abandonedIn, runName } from './leftovers.ts';

/**
 * Writes `text` to `path` at once, into a folder that is made if need be. A link stays one, and so does the mode of what was there; a new
 * file gets the usual one.
 * @param purpose for messages, to follow "cannot": `write the lock`
 * @throws REPO160 to REPO162
 */
export async function replaceFile(path: string, text: string, purpose: string): Promise<void> {
  await explainIo(purpose, path, async () => {
    const target = await realpath(path).catch(() => path);
    const prefix = `.${basename(target)}.`;
    await makeFolder(dirname(target));
    for (const left of abandonedIn(dirname(target), prefix)) await rm(left, { force: true });
    const mode = await stat(target).then(
      (found) => (found.mode & 0o777) | 0o200,
      () => 0o666,
    );
    const partial = join(dirname(target), prefix + runName());
    try {
      await writeFile(partial, text, { flag: 'wx', mode });
      await rename(partial, target);
    } finally {
      await rm(partial, { force: true });
    }
  });
}
