/** Measuring a canonical tar by its headers: GNU tar writes it, as it does in a build. */
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { measure } from '../../builders/image/content.ts';
import { tarEntries } from '../../builders/image/tar-entries.ts';
import { site } from './support/tree.ts';

const BLOCK = 4096;

function measured(fill: (root: string) => void, ...options: string[]) {
  const { root } = site();
  fill(root);
  const path = join(root, '..', 'x.tar');
  execFileSync('tar', ['-cf', path, '--format=posix', ...options, '-C', root, '.']);
  return measure(tarEntries(path));
}

test('files are rounded up to blocks, folders are one block, links are none', () => {
  const found = measured((root) => {
    writeFileSync(join(root, 'empty'), '');
    writeFileSync(join(root, 'one'), 'x');
    writeFileSync(join(root, 'blocks'), 'x'.repeat(2 * BLOCK));
    writeFileSync(join(root, 'more'), 'x'.repeat(2 * BLOCK + 1));
    mkdirSync(join(root, 'folder'));
    symlinkSync('one', join(root, 'link'));
    linkSync(join(root, 'one'), join(root, 'twin'));
  });
  expect(found).toEqual({ bytes: (1 + 2 + 3) * BLOCK + 2 * BLOCK, entries: 8 });
});

test('long names and times of a pax header count nothing', () => {
  const long = 'n'.repeat(150);
  const found = measured((root) => writeFileSync(join(root, long), 'x'));
  expect(found).toEqual({ bytes: 2 * BLOCK, entries: 2 });
});

test('a file past 8 GiB, whose size is no octal number', () => {
  const size = 9 * 2 ** 30;
  for (const format of ['--format=gnu', '--format=posix']) {
    const { root } = site();
    writeFileSync(join(root, 'big'), '');
    truncateSync(join(root, 'big'), size);
    const path = join(root, '..', 'x.tar');
    // The header alone: what follows would be nine gigabytes of zeroes.
    const pipe = `tar -cf - ${format} -C '${root}' ./big 2>/dev/null | head -c 4096 > '${path}'`;
    execFileSync('sh', ['-c', pipe]);
    expect(measure(tarEntries(path)).bytes, format).toBe(size);
  }
});

test('an empty tar, and none', () => {
  expect(measured(() => undefined)).toEqual({ bytes: BLOCK, entries: 1 });
  const { root } = site();
  writeFileSync(join(root, 'nothing'), '');
  expect(measure(tarEntries(join(root, 'nothing')))).toEqual({ bytes: 0, entries: 0 });
});
