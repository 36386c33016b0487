/** Two packages and one path: the outcome is dpkg's, and the same in every order. */
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFields } from '../../builders/deb/control.ts';
import { Ownership, ownerOf } from '../../builders/deb/ownership.ts';
import { VsecError } from '../../vse/diagnostic.ts';
import { file, folder, link } from './support/deb.ts';
import type { DebRecipe } from './support/deb.ts';
import { failureOf, site, unpack } from './support/tree.ts';

const owner = (text: string) =>
  ownerOf(parseFields(text.includes('Version') ? text : `${text}\nVersion: 1.0`));

/** Unpacks in both orders and gives what `look` sees, which must be the same. */
async function eitherOrder<T>(
  recipes: readonly DebRecipe[],
  look: (read: (path: string) => string, root: string) => T,
): Promise<T> {
  const seen: T[] = [];
  for (const order of [recipes, recipes.toReversed()]) {
    const place = site();
    await unpack(place, order);
    seen.push(look(place.read, place.root));
  }
  expect(seen[1]).toEqual(seen[0]);
  return seen[0] as T;
}

const lists = (read: (path: string) => string, ...ids: string[]) =>
  ids.map((id) => read(`var/lib/dpkg/info/${id}.list`).split('\n').includes('/usr/x'));

describe('the same file in two packages', () => {
  const one = { name: 'one', files: [file('usr/x', 'one')] };

  test('without leave: an error that names both, in either order', async () => {
    const two = { name: 'two', files: [file('usr/x', 'two')] };
    const [forward, backward] = await Promise.all([
      failureOf(() => unpack(site(), [one, two])),
      failureOf(() => unpack(site(), [two, one])),
    ]);
    expect(forward).toMatchObject({ code: 'BUILD120', message: 'one and two ship /usr/x' });
    expect(backward).toEqual(forward);
  });

  test('without leave, in two batches', async () => {
    const place = site();
    const ownership = new Ownership();
    await unpack(place, [one], ownership);
    const two = { name: 'two', files: [file('usr/x', 'two')] };
    const found = await failureOf(() => unpack(place, [two], ownership));
    expect(found.code).toBe('BUILD120');
  });

  test('with Replaces, the replacing one has it and the other list loses it', async () => {
    const two = { name: 'two', fields: ['Replaces: one'], files: [file('usr/x', 'two')] };
    const [content, ...listed] = await eitherOrder([one, two], (read) => [
      read('usr/x'),
      ...lists(read, 'one', 'two'),
    ]);
    expect([content, ...listed]).toEqual(['two', false, true]);
  });

  test('the list loses it also where a link is on the way', async () => {
    const place = site();
    mkdirSync(join(place.root, 'usr/lib'), { recursive: true });
    await unpack(place, [{ name: 'base', files: [link('lib', 'usr/lib')] }]);
    const replacing = ['Replaces: one'];
    await unpack(place, [
      { name: 'one', files: [file('lib/x', 'one'), file('lib/y', 'one')] },
      { name: 'two', fields: replacing, files: [file('usr/lib/x', 'two')] },
    ]);
    expect(place.read('usr/lib/x')).toBe('two');
    expect(place.read('var/lib/dpkg/info/one.list')).toBe('/.\n/lib/y\n');
  });

  test('a Replaces with a version counts only for that version', async () => {
    const files = [file('usr/x', 'two')];
    const fine = { name: 'two', fields: ['Replaces: one (<< 1.1)'], files };
    expect(await eitherOrder([one, fine], (read) => read('usr/x'))).toBe('two');
    const not = { name: 'two', fields: ['Replaces: one (<< 1.0)'], files };
    expect((await failureOf(() => unpack(site(), [one, not]))).code).toBe('BUILD120');
  });

  test('both replace each other: the later name, as dpkg would unpack them', async () => {
    const both = [
      { name: 'one', fields: ['Replaces: two'], files: [file('usr/x', 'one')] },
      { name: 'two', fields: ['Replaces: one'], files: [file('usr/x', 'two')] },
    ];
    expect(await eitherOrder(both, (read) => read('usr/x'))).toBe('two');
  });

  test('a third that replaces both settles it', async () => {
    const third = { name: 'third', fields: ['Replaces: one, two'], files: [file('usr/x', '3')] };
    const two = { name: 'two', files: [file('usr/x', 'two')] };
    const seen = await eitherOrder([one, two, third], (read) => [
      read('usr/x'),
      ...lists(read, 'one', 'two', 'third'),
    ]);
    expect(seen).toEqual(['3', false, false, true]);
  });

  test('Multi-Arch: same packages share it, and both list it', async () => {
    const shared = (arch: string) => ({
      name: 'toy',
      controlText: `Package: toy\nVersion: 1.0\nArchitecture: ${arch}\nMulti-Arch: same\n`,
      files: [file('usr/x', arch)],
    });
    const ownership = new Ownership();
    const place = site();
    await unpack(place, [shared('i386')], ownership);
    await unpack(place, [shared('amd64')], ownership);
    expect(place.read('usr/x')).toBe('amd64');
    expect(lists(place.read, 'toy:amd64', 'toy:i386')).toEqual([true, true]);
  });
});

describe('the same folder in two packages', () => {
  const modeOf = (_read: unknown, root: string) =>
    (statSync(join(root, 'etc/x')).mode & 0o7777).toString(8);

  test('the first name says what it is like', async () => {
    const packages = [
      { name: 'one', files: [folder('etc/x', 0o750)] },
      { name: 'two', files: [folder('etc/x', 0o755)] },
    ];
    expect(await eitherOrder(packages, modeOf)).toBe('750');
  });

  test('unless another is essential', async () => {
    const packages = [
      { name: 'one', files: [folder('etc/x', 0o755)] },
      { name: 'two', fields: ['Essential: yes'], files: [folder('etc/x', 0o2775)] },
    ];
    expect(await eitherOrder(packages, modeOf)).toBe('2775');
  });

  test('an earlier batch comes before both', async () => {
    const place = site();
    const ownership = new Ownership();
    await unpack(place, [{ name: 'zebra', files: [folder('etc/x', 0o711)] }], ownership);
    await unpack(place, [{ name: 'one', files: [folder('etc/x', 0o755)] }], ownership);
    expect(modeOf(undefined, place.root)).toBe('711');
  });
});

describe('diversions', () => {
  /** As a preinst with `dpkg-divert --add --rename --package two --divert /usr/x.real /usr/x`. */
  function divert(root: string, by: string): void {
    const path = join(root, 'var/lib/dpkg/diversions');
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, `/usr/x\n/usr/x.real\n${by}\n`);
    if (existsSync(join(root, 'usr/x'))) renameSync(join(root, 'usr/x'), join(root, 'usr/x.real'));
  }

  test('the diverting package has the name, the other goes aside; before or after', async () => {
    const one = { name: 'one', files: [file('usr/x', 'one')] };
    const two = { name: 'two', files: [file('usr/x', 'two')] };
    for (const first of [true, false]) {
      const place = site();
      const ownership = new Ownership();
      if (first) await unpack(place, [one], ownership);
      divert(place.root, 'two');
      await unpack(place, [two], ownership);
      if (!first) await unpack(place, [one], ownership);
      expect([place.read('usr/x'), place.read('usr/x.real')]).toEqual(['two', 'one']);
      expect(lists(place.read, 'one', 'two')).toEqual([true, true]);
    }
  });

  test('a diversion by hand holds for every package', async () => {
    const place = site();
    divert(place.root, ':');
    await unpack(place, [{ name: 'one', files: [file('usr/x', 'one')] }]);
    expect(existsSync(join(place.root, 'usr/x'))).toBe(false);
    expect(place.read('usr/x.real')).toBe('one');
  });

  test('the diversion names a path behind a link', async () => {
    const place = site();
    mkdirSync(join(place.root, 'usr'));
    await unpack(place, [{ name: 'base', files: [link('alias', 'usr')] }]);
    divert(place.root, 'two');
    await unpack(place, [{ name: 'one', files: [file('alias/x', 'one')] }]);
    expect(place.read('usr/x.real')).toBe('one');
  });
});

test('no order of claims changes who has a path, or whether it is an error', () => {
  const names = ['a', 'b', 'c'];
  const replacing = fc.uniqueArray(fc.constantFrom(...names));
  fc.assert(
    fc.property(fc.tuple(replacing, replacing, replacing), (relations) => {
      const owners = names.map((name, i) =>
        owner(`Package: ${name}\nReplaces: ${relations[i]?.join(', ')}`),
      );
      const outcomes = permutations(owners).map((order) => {
        const ownership = new Ownership();
        let last = '';
        for (const one of order) if (ownership.claim('x', one) === 'write') last = one.name;
        try {
          ownership.settle();
          return last;
        } catch (error) {
          expect(error).toBeInstanceOf(VsecError);
          return 'error';
        }
      });
      expect(new Set(outcomes).size).toBe(1);
    }),
  );
});

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length <= 1) return [[...list]];
  return list.flatMap((one, i) => permutations(list.toSpliced(i, 1)).map((rest) => [one, ...rest]));
}
