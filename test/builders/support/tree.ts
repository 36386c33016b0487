/** A tree to unpack into, with a neighbour that nothing may touch. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { Database } from '../../../builders/deb/database.ts';
import { Ownership } from '../../../builders/deb/ownership.ts';
import { decompressHere } from '../../../builders/deb/decompress.ts';
import { openPackage, unpackAll } from '../../../builders/deb/unpack.ts';
import { Tree } from '../../../builders/rootfs/tree.ts';
import { VsecError } from '../../../vse/diagnostic.ts';
import type { Diagnostic } from '../../../vse/diagnostic.ts';
import { debFile } from './deb.ts';
import type { DebRecipe } from './deb.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export interface Site {
  /** Root of the tree. */
  readonly root: string;
  /** A folder beside it that stands for the host's own files. */
  readonly outside: string;
  /** Text of a file of the tree; does not follow the last link. */
  read(path: string): string;
}

const SECRET = 'of the host\n';

/** An empty tree and its neighbour; the neighbour is checked after the test. */
export function site(): Site {
  const folder = mkdtempSync(join(tmpdir(), 'vsec-tree-'));
  folders.push(folder);
  const [root, outside] = [join(folder, 'root'), join(folder, 'outside')];
  mkdirSync(root);
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), SECRET);
  return { root, outside, read: (path) => readFileSync(join(root, path), 'utf8') };
}

/** Nothing came to or went from the neighbour. */
export function expectUntouched({ outside }: Site): void {
  expect(readdirSync(outside)).toEqual(['secret']);
  expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe(SECRET);
}

export const IS_ROOT = process.getuid?.() === 0;

/** Unpacks packages of one batch in that order, two at a time. */
export async function unpack(
  place: Site,
  recipes: readonly DebRecipe[],
  ownership = new Ownership(),
): Promise<void> {
  const decompress = decompressHere();
  const files = await Promise.all(recipes.map((recipe) => debFile(join(place.root, '..'), recipe)));
  const packages = await Promise.all(files.map((one) => openPackage(one, decompress)));
  const tree = new Tree(place.root);
  const database = new Database(tree);
  await unpackAll(packages, tree, database, decompress, { jobs: 2, ownership });
}

/** The diagnostics with which `work` fails; anything but a VsecError is passed on. */
export async function failureOf(work: () => unknown): Promise<Diagnostic & { all: string }> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof VsecError)) throw error;
    const [first] = error.diagnostics;
    if (first)
      return {
        ...first,
        all: [first.message, ...first.notes.map((n) => n.message), first.hint].join('\n'),
      };
  }
  throw new Error('expected a failure');
}
