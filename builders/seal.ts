/**
 * A list of what a folder of the cache holds, written when it is made: with it anybody can tell
 * later whether it is still what it was.
 */
import { lstat, readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileDigest } from './digest.ts';

const SEAL = '.contents.json';

/** Path → `sha256:…` of a file, or `link:…` with the target of a link. */
type Contents = Readonly<Record<string, string>>;

async function* entriesBelow(root: string, prefix = ''): AsyncGenerator<string> {
  const entries = await readdir(join(root, prefix), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1)))
    if (entry.isDirectory()) yield* entriesBelow(root, `${prefix}${entry.name}/`);
    else yield `${prefix}${entry.name}`;
}

async function describe(path: string, signal?: AbortSignal): Promise<string> {
  const isLink = (await lstat(path)).isSymbolicLink();
  return isLink ? `link:${await readlink(path)}` : `sha256:${await fileDigest(path, signal)}`;
}

/** Writes down what `root` holds. `known`: digests (hex) of files that need no reading. */
export async function seal(
  root: string,
  known: Readonly<Record<string, string>> = {},
): Promise<void> {
  const contents: Record<string, string> = {};
  for await (const path of entriesBelow(root))
    contents[path] =
      known[path] === undefined ? await describe(join(root, path)) : `sha256:${known[path]}`;
  await writeFile(join(root, SEAL), JSON.stringify(contents, undefined, 0));
}

/**
 * The first thing in `root` that is not as it was sealed, in words; `undefined` when all is. What
 * was added since is no damage. Takes about a second for each gigabyte; `signal` ends it.
 */
export async function brokenSeal(root: string, signal?: AbortSignal): Promise<string | undefined> {
  let contents: Contents;
  try {
    contents = JSON.parse(await readFile(join(root, SEAL), 'utf8')) as Contents;
  } catch {
    return 'has no list of what it should hold';
  }
  for (const [path, expected] of Object.entries(contents)) {
    const found = await describe(join(root, path), signal).catch(() => undefined);
    signal?.throwIfAborted();
    if (found === undefined) return `lacks ${path}`;
    if (found !== expected) return `${path} is not what it was`;
  }
  return undefined;
}
