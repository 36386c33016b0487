/** Two bundles of the same lock, file by file and byte by byte. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../../vse/diagnostic.ts';
import type { Diagnostic } from '../../vse/diagnostic.ts';
import { firstDifference } from './first-difference.ts';
import type { ByteDifference } from './first-difference.ts';
import type { TreeDifference } from './trees.ts';

/** A file of the bundle that is not the same in both. */
export interface BundleDifference {
  readonly file: string;
  /** `only in the first`, `only in the second`, or `content`. */
  readonly what: string;
  readonly bytes?: ByteDifference;
}

export interface Compared {
  /** How many files were compared. */
  readonly files: number;
  readonly differences: readonly BundleDifference[];
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** Compares every file of the two folders. */
export async function compareBundles(first: string, second: string): Promise<Compared> {
  const names = [...new Set([...filesBelow(first), ...filesBelow(second)])].sort();
  const differences: BundleDifference[] = [];
  for (const file of names) {
    const [a, b] = [join(first, file), join(second, file)];
    const missing = [a, b].findIndex((path) => !existsSync(path));
    if (missing >= 0) {
      differences.push({ file, what: `only in the ${missing === 0 ? 'second' : 'first'}` });
      continue;
    }
    const bytes = await firstDifference({ path: a }, { path: b });
    if (bytes) differences.push({ file, what: 'content', bytes });
  }
  return { files: names.length, differences };
}

const bytesInWords = ({ offset, first, second }: ByteDifference): string =>
  `from byte ${offset}: ${first || 'the end'}, ${second || 'the end'}`;

const inWords = (what: string, bytes: ByteDifference | undefined): string =>
  bytes ? `${what} ${bytesInWords(bytes)}` : what;

/** BUILD198: a second build of the same lock gave other bytes. What follows from it is left out. */
export function notTheSame(
  { differences }: Compared,
  trees: readonly TreeDifference[],
): Diagnostic {
  const notes = [
    ...trees.map(({ path, what, bytes }) => `in the image: ${path}: ${inWords(what, bytes)}`),
    ...differences.map(
      ({ file, what, bytes }) => `in the bundle: ${file}: ${inWords(what, bytes)}`,
    ),
  ];
  const [tree] = trees;
  return error(
    'BUILD198',
    tree
      ? `a second build gave another ${tree.path}`
      : `a second build gave another ${differences[0]?.file ?? 'bundle'}`,
    {
      notes: notes.map((message) => ({ message })),
      hint: tree
        ? 'a script of the environment or of a package that uses chance, the time, or the machine it runs on? see what writes that file'
        : 'report it: the trees are the same, so vsec wrote the images differently',
    },
  );
}
