/** A tree of files as one deterministic tar (ustar/pax): the same files give the same bytes. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { failure } from '../../vse/diagnostic.ts';
import type { PartialFile } from '../partial-file.ts';

/** Path in the archive → absolute path of the file. */
export type Tree = ReadonlyMap<string, string>;

/** Writes the archive into `file`: names in order, without times, owners and modes. */
export async function writeArchive(tree: Tree, file: PartialFile): Promise<void> {
  const archive = pack();
  const fill = async (): Promise<void> => {
    for (const [name, path] of [...tree].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const { size } = await stat(path);
      const entry = archive.entry({ name, size, mode: 0o644, mtime: new Date(0) });
      await pipeline(createReadStream(path), entry);
    }
    archive.finalize();
  };
  const filled = fill().catch((error: unknown) => archive.destroy(error as Error));
  for await (const chunk of archive) await file.write(chunk as Buffer);
  await filled;
}

/** Whether a path stays below where it starts. */
export const isSafePath = (name: string): boolean =>
  name !== '' &&
  !/[\0-\x1f\x7f\\]/.test(name) &&
  name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

/** Unpacks what {@link writeArchive} wrote, and nothing else. @throws REPO218 */
export async function unpackArchive(archive: string, folder: string, shown: string): Promise<void> {
  const reader = extract();
  const fed = pipeline(createReadStream(archive), reader);
  fed.catch(() => {});
  try {
    for await (const entry of reader) {
      const { name, type } = entry.header;
      if (type !== 'file' || !isSafePath(name))
        throw failure('REPO218', `${shown} holds what no base holds`, {
          notes: [{ message: `${name} (${type ?? 'unknown'})` }],
          hint: "it was not made by 'vsec publish': do not use it",
        });
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      await pipeline(entry, createWriteStream(path, { flags: 'wx' }));
    }
    await fed;
  } finally {
    reader.destroy();
  }
}
