/** Paths inside a tree: resolved as the kernel would with the tree as its root. */
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Tree, innerPath } from '../../builders/rootfs/tree.ts';
import { expectUntouched, failureOf, site } from './support/tree.ts';
import type { Site } from './support/tree.ts';

let place: Site;
let tree: Tree;
beforeEach(() => {
  place = site();
  tree = new Tree(place.root);
});
afterEach(() => expectUntouched(place));

const at = (path: string): string => join(place.root, path);
function put(path: string, content = path): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
}
function linked(path: string, target: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  symlinkSync(target, at(path));
}

describe('innerPath', () => {
  test.each([
    ['./usr//bin/./x', 'usr/bin/x'],
    ['/', ''],
    ['./', ''],
    ['/etc/..data', 'etc/..data'],
  ])('%j is %j', (name, inner) => expect(innerPath(name, 'test')).toBe(inner));

  test.each(['..', 'a/../b', 'a\0b', 'a\nb', '\uFFFD', 'x'.repeat(4096)])(
    'refuses %j',
    async (name) => {
      const found = await failureOf(() => innerPath(name, 'test'));
      expect(found).toMatchObject({ code: 'BUILD110', notes: [{ message: 'in test' }] });
    },
  );
});

describe('reading', () => {
  test('follows links inside', () => {
    put('usr/lib/x', 'found');
    linked('lib', 'usr/lib');
    linked('etc/x', '/lib/x');
    linked('etc/y', '../../../../lib/x');
    expect([tree.read('etc/x'), tree.read('etc/y')]).toEqual(['found', 'found']);
    expect(tree.find('etc/x')).toBe('usr/lib/x');
    expect(tree.list('lib')).toEqual(['x']);
  });

  test('sees nothing of the host', () => {
    linked('secret', join(place.outside, 'secret'));
    linked('door', place.outside);
    linked('up', '../outside');
    for (const path of ['secret', 'door/secret', 'up/secret']) {
      expect(tree.read(path)).toBeUndefined();
      expect(tree.has(path)).toBe(false);
    }
    expect([tree.list('door'), tree.hasFolder('up')]).toEqual([[], false]);
  });

  test('makes nothing', () => {
    linked('dangling', '/a/b/c');
    expect(tree.find('dangling')).toBeUndefined();
    expect(tree.existingEntry('no/such/x')).toBeUndefined();
    tree.remove('no/such/x');
    expect(tree.list('')).toEqual(['dangling']);
  });

  test('of a folder as a file, and of a file as a folder', () => {
    put('file');
    expect(tree.read('')).toBeUndefined();
    expect(tree.find('file/x')).toBeUndefined();
    expect(tree.list('file')).toEqual([]);
  });

  test('links in a circle are an error', async () => {
    linked('a', 'b');
    linked('b', 'a');
    for (const ask of [() => tree.find('a'), () => tree.read('a/x'), () => tree.directory('a')])
      expect((await failureOf(ask)).code).toBe('BUILD111');
  });

  test('the end of a chain of links', () => {
    put('end/x', 'x');
    linked('l0', 'end');
    for (let i = 1; i < 40; i++) linked(`l${i}`, `l${i - 1}`);
    expect(tree.read('l39/x')).toBe('x');
  });
});

describe('writing', () => {
  test('replaces a link and never follows it', () => {
    linked('etc/passwd', join(place.outside, 'secret'));
    linked('etc/group', join(place.outside, 'new'));
    tree.write('etc/passwd', 'root\n');
    tree.append('etc/group', 'wheel\n');
    expect([place.read('etc/passwd'), place.read('etc/group')]).toEqual(['root\n', 'wheel\n']);
  });

  test('makes what is missing on the way, also at the end of a link', () => {
    linked('var/run', '/run');
    tree.write('var/run/a/b', 'x');
    expect(readFileSync(at('run/a/b'), 'utf8')).toBe('x');
  });

  test('modes: as asked, as they were, or 0644', () => {
    put('old');
    const mode = (path: string): number => statSync(at(path)).mode & 0o7777;
    tree.write('new', '');
    tree.write('script', '', 0o4755);
    tree.write('old', '', 0o600);
    tree.write('old', 'again');
    expect([mode('new'), mode('script'), mode('old')]).toEqual([0o644, 0o4755, 0o600]);
  });

  test('a file in the place of a folder, and through a file', async () => {
    put('folder/x');
    expect((await failureOf(() => tree.write('folder', ''))).code).toBe('BUILD113');
    const found = await failureOf(() => tree.write('folder/x/y', ''));
    expect(found).toMatchObject({ code: 'BUILD112' });
    expect(found.message).toBe('/folder/x is a file, but /folder/x is needed as a folder');
  });

  test('remove takes a link and leaves what it names', () => {
    linked('door', place.outside);
    put('folder/deep/x');
    linked('folder/door', place.outside);
    tree.remove('door');
    tree.remove('folder');
    expect(tree.list('')).toEqual([]);
  });

  test('a link at the top, unless something is there', () => {
    put('lib/x');
    tree.link('bin', 'usr/bin');
    tree.link('lib', 'usr/lib');
    tree.write('bin/sh', 'sh');
    expect(tree.list('usr/bin')).toEqual(['sh']);
    expect(tree.list('lib')).toEqual(['x']);
  });
});

test('what was made through the tree is new until it is refreshed', () => {
  put('old/x');
  tree.directory('old/a');
  expect([tree.isNew('old'), tree.isNew('old/a')]).toEqual([false, true]);
  tree.refresh();
  expect(tree.isNew('old/a')).toBe(false);
});

test('".." in a link is seen from where the links before it led', () => {
  put('a/b/x', 'x');
  linked('short', 'a/b');
  linked('sideways', 'short/../b');
  linked('absolute', '/short/x');
  linked('beyond', '../../../../short');
  for (const path of ['sideways/x', 'absolute', 'beyond/x', 'short/x'])
    expect(tree.find(path), path).toBe('a/b/x');
});
