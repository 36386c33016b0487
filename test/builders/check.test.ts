/** Two builds of one lock that are not the same: which file, and which bytes. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compareBundles, notTheSame } from '../../builders/check/bundles.ts';
import { compareTrees } from '../../builders/check/trees.ts';

const PAX = '--pax-option=delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f';
let dir = '';
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'vsec-check-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function tree(name: string, files: Readonly<Record<string, string | Buffer>>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(dir, name, path, '..'), { recursive: true });
    writeFileSync(join(dir, name, path), content, { mode: 0o644 });
  }
  return join(dir, name);
}
function tar(name: string, files: Readonly<Record<string, string | Buffer>>, ...more: string[]) {
  const root = tree(name, files);
  const args = ['--create', '--format=posix', PAX, '--mtime=@1', '--sort=name', ...more];
  execFileSync('tar', [...args, `--file=${root}.tar`, `--directory=${root}`, '.']);
  return `${root}.tar`;
}

const LARGE = Buffer.alloc(3 << 20, 'x');
function changed(at: number): Buffer {
  const other = Buffer.from(LARGE);
  other[at] = 0x79;
  return other;
}

test('bundles: what is the same is counted, a byte in the third megabyte is found', async () => {
  const [a, b] = [tree('a', { 'x.raw': LARGE, 'boot/y': 'y' }), tree('b', { 'x.raw': LARGE })];
  tree('b', { 'boot/y': 'y' });
  expect(await compareBundles(a, b)).toEqual({ files: 2, differences: [] });
  tree('b', { 'x.raw': changed(2_500_000), more: '' });
  const compared = await compareBundles(a, b);
  expect(compared).toEqual({
    files: 3,
    differences: [
      { file: 'more', what: 'only in the second' },
      {
        ...{ file: 'x.raw', what: 'content' },
        bytes: { offset: 2_500_000, first: '78'.repeat(16), second: `79${'78'.repeat(15)}` },
      },
    ],
  });
  const { code, notes } = notTheSame(compared, []);
  expect(code).toBe('BUILD198');
  expect(notes.at(-1)?.message).toContain('x.raw: content from byte 2500000: 7878');
});

test('bundles: one that ends early', async () => {
  const [a, b] = [tree('a', { x: 'abc' }), tree('b', { x: 'ab' })];
  expect((await compareBundles(a, b)).differences).toEqual([
    { file: 'x', what: 'content', bytes: { offset: 2, first: '63', second: '' } },
  ]);
});

describe('trees', () => {
  const files = { 'etc/motd': 'welcome', [`opt/${'long/'.repeat(40)}x`]: LARGE, 'opt/same': 's' };

  test('the same', async () => {
    expect(await compareTrees(tar('a', files), tar('b', files), 9)).toEqual([]);
  });

  test('content in a file with a long name, and a file that is missing', async () => {
    const name = `opt/${'long/'.repeat(40)}x`;
    const { 'opt/same': _, ...less } = { ...files, [name]: changed(1_500_000) };
    const found = await compareTrees(tar('a', files), tar('b', less), 9);
    expect(found.find(({ what }) => what === 'content')).toMatchObject({
      path: `/${name}`,
      bytes: { offset: 1_500_000, second: `79${'78'.repeat(15)}` },
    });
    expect(found).toContainEqual({ path: '/opt/same', what: 'only in the first' });
    const compared = { files: 1, differences: [{ file: 'a.tar', what: 'content' }] };
    expect(notTheSame(compared, found).message).toBe(`a second build gave another /${name}`);
  });

  test('owner, mode, time', async () => {
    const a = tar('a', { x: 'x' }, '--owner=1', '--group=1', '--numeric-owner');
    const b = tar('b', { x: 'x' }, '--owner=2', '--group=1', '--numeric-owner', '--mode=600');
    const found = await compareTrees(a, b, 99);
    expect(found.filter(({ path }) => path === '/x')).toEqual([
      { path: '/x', what: 'mode 0644, 0600' },
      { path: '/x', what: 'owner 1:1, 2:1' },
    ]);
  });
});
