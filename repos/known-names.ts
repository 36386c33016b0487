/** Names of packages, from the indexes that lie in the cache; asks no mirror. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../vse/report.ts';
import { IndexFile } from './deb/index-file.ts';

/** The packages of any index in the cache whose names begin with `prefix`, sorted. */
export async function knownPackageNames(
  prefix: string,
  { cacheDir }: Pick<Context, 'cacheDir'>,
): Promise<readonly string[]> {
  const folder = join(cacheDir, 'universe');
  const files = await readdir(folder).catch(() => []);
  const found = new Set<string>();
  for (const file of files.filter((name) => name.includes('.vsecidx'))) {
    const index = IndexFile.parse(await readFile(join(folder, file)));
    for (let name = 0; index && name < index.nameCount; name++) {
      const text = index.nameText(name);
      if (text.startsWith(prefix) && index.packagesNamed(name).length > 0) found.add(text);
    }
  }
  return [...found].sort();
}
