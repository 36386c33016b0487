/** Compact indexes in the cache, by the digest of the Packages file that they were made from. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../vse/report.ts';
import { errorCode, explainIo } from '../io-errors.ts';
import { noteUse } from '../last-use.ts';
import { PartialFile } from '../partial-file.ts';
import { buildIndex } from './index-builder.ts';
import { IndexFile, MAGIC } from './index-file.ts';

/**
 * Opens the compact form of a Packages file; makes it first when the cache has none.
 *
 * @param path the Packages file, verified and decompressed
 * @param sha256 its digest, hex
 */
export async function openIndex(
  path: string,
  sha256: string,
  ctx: Pick<Context, 'cacheDir' | 'signal'>,
): Promise<IndexFile> {
  const folder = join(ctx.cacheDir, 'universe');
  const cached = join(folder, `${sha256}.${MAGIC.toLowerCase()}`);
  const found = await readIndex(cached);
  if (found) {
    await noteUse(cached);
    return found;
  }
  const index = await buildIndex(path, ctx.signal);
  const file = await PartialFile.create(join(folder, '.partial'), 'write the package index');
  try {
    for (const piece of index.serialise()) await file.write(piece);
    await file.commit(cached);
  } finally {
    await file.discard();
  }
  return index;
}

async function readIndex(path: string): Promise<IndexFile | undefined> {
  try {
    return IndexFile.parse(await readFile(path));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    return explainIo('read the package index', path, () => Promise.reject(error as Error));
  }
}
