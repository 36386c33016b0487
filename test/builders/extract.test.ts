/** Packages that are hostile or broken: refused with a message, and nothing outside is touched. */
import { lstatSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { file, folder, hardLink, link } from './support/deb.ts';
import type { DebRecipe, TarEntry } from './support/deb.ts';
import { IS_ROOT, expectUntouched, failureOf, site, unpack } from './support/tree.ts';
import type { Site } from './support/tree.ts';

let place: Site;
beforeEach(() => {
  place = site();
});
afterEach(() => expectUntouched(place));

const failing = (...recipes: DebRecipe[]) => failureOf(() => unpack(place, recipes));
const failingFiles = (...files: TarEntry[]) => failing({ files });

describe('what a package may hold', () => {
  test('files, folders, links: contents, modes and times as in the archive', async () => {
    const mtime = new Date(1_600_000_000_000);
    await unpack(place, [
      {
        gzip: true,
        files: [
          folder('./usr', 0o755),
          folder('./usr/box', 0o2750),
          file('./usr/box/run', 'go', { mode: 0o4755, mtime }),
          link('./usr/box/again', 'run'),
          hardLink('./usr/box/twin', './usr/box/run'),
          file('./deep/without/folders', 'x'),
        ],
      },
    ]);
    expect(place.read('usr/box/run')).toBe('go');
    const run = statSync(join(place.root, 'usr/box/run'));
    expect(run.mode & 0o7777).toBe(0o4755);
    expect(run.mtimeMs).toBe(mtime.getTime());
    expect(statSync(join(place.root, 'usr/box/twin')).ino).toBe(run.ino);
    expect(readlinkSync(join(place.root, 'usr/box/again'))).toBe('run');
    expect(statSync(join(place.root, 'usr/box')).mode & 0o7777).toBe(0o2750);
    expect(statSync(join(place.root, 'deep/without')).mode & 0o7777).toBe(0o755);
    expect(place.read('var/lib/dpkg/info/toy.list').split('\n')).toEqual([
      ...['/.', '/usr', '/usr/box', '/usr/box/run', '/usr/box/again', '/usr/box/twin'],
      ...['/deep/without/folders', ''],
    ]);
  });

  test.skipIf(!IS_ROOT)('owners, which clear no set-user-id bit (needs root)', async () => {
    await unpack(place, [
      {
        files: [
          folder('games', 0o2755, { uid: 5, gid: 60 }),
          file('games/score', 'x', { uid: 5, gid: 60, mode: 0o6755 }),
        ],
      },
    ]);
    const score = statSync(join(place.root, 'games/score'));
    expect([score.uid, score.gid, score.mode & 0o7777]).toEqual([5, 60, 0o6755]);
    expect(statSync(join(place.root, 'games')).gid).toBe(60);
  });

  test('hard links to links', async () => {
    await unpack(place, [{ files: [link('a', '/usr/bin'), hardLink('b', 'a')] }]);
    expect(readlinkSync(join(place.root, 'b'))).toBe('/usr/bin');
  });

  test('a path of the database is refused, whatever way leads there', async () => {
    for (const files of [
      [file('var/lib/dpkg/status')],
      [link('var/lib/dpkg/status', '/etc/passwd')],
      [link('state', 'var/lib'), file('state/dpkg/info/other.postinst')],
    ])
      expect((await failing({ files })).code).toBe('BUILD116');
  });

  test.each(['fifo', 'character-device', 'block-device'] as const)(
    'a %s is refused',
    async (type) => {
      const found = await failingFiles({ name: 'dev/thing', type });
      expect(found).toMatchObject({ code: 'BUILD115' });
      expect(found.message).toContain('toy 1.0 ships /dev/thing');
    },
  );
});

describe('ways out of the tree', () => {
  test.each([
    ['..', '../outside/evil'],
    ['.. in the middle', 'usr/../../outside/evil'],
    ['a line break', 'usr/a\nb'],
    ['no UTF-8', 'usr/\uFFFD'],
    ['4096 bytes', 'a/'.repeat(2100) + 'x'],
    ['a deep path', 'a/'.repeat(20_000) + 'x'],
  ])('a name with %s', async (_what, name) => {
    const found = await failingFiles(file(name));
    expect(found.code).toBe('BUILD110');
    expect(found.all).toContain('toy 1.0');
    expect(found.all.length).toBeLessThan(500);
  });

  test('an absolute name is taken as one inside', async () => {
    await unpack(place, [{ files: [file(`${place.outside}/evil`, 'tame')] }]);
    expect(place.read(`${place.outside}/evil`)).toBe('tame');
  });

  test('an absolute link, then a file through it', async () => {
    await unpack(place, [{ files: [link('door', place.outside), file('door/evil', 'tame')] }]);
    expect(place.read(`${place.outside}/evil`)).toBe('tame');
  });

  test('a relative link, then a file through it', async () => {
    await unpack(place, [{ files: [link('door', '../../../outside'), file('door/evil', 'x')] }]);
    expect(place.read('outside/evil')).toBe('x');
  });

  test('".." after another link is where that link leads', async () => {
    await unpack(place, [
      {
        files: [
          folder('a'),
          folder('a/b'),
          link('short', 'a/b'),
          link('door', 'short/../here'),
          file('door/x'),
        ],
      },
    ]);
    expect(place.read('a/here/x')).toBe('door/x\n');
  });

  test('a link of an earlier package, then a file of another through it', async () => {
    await unpack(place, [{ name: 'first', files: [link('door', place.outside)] }]);
    await unpack(place, [{ name: 'second', files: [file('door/evil', 'tame')] }]);
    expect(place.read(`${place.outside}/evil`)).toBe('tame');
  });

  test('a file in the place of a link that leads out', async () => {
    symlinkSync(join(place.outside, 'secret'), join(place.root, 'passwd'));
    await unpack(place, [{ files: [file('passwd', 'tame')] }]);
    expect(lstatSync(join(place.root, 'passwd')).isFile()).toBe(true);
  });

  test('a folder in the place of a link that leads out changes no mode there', async () => {
    symlinkSync(place.outside, join(place.root, 'door'));
    const before = statSync(place.outside).mode;
    await unpack(place, [{ files: [folder('door', 0o777)] }]);
    expect(statSync(place.outside).mode).toBe(before);
  });

  test.each(['../outside/secret', '/etc/passwd', 'no/such/file'])(
    'a hard link to %s',
    async (target) => {
      const found = await failingFiles(hardLink('copy', target));
      expect(['BUILD110', 'BUILD114']).toContain(found.code);
      expect(found.all).toContain('toy 1.0');
    },
  );

  test('a hard link through a link that leads out', async () => {
    const found = await failingFiles(link('door', place.outside), hardLink('copy', 'door/secret'));
    expect(found.code).toBe('BUILD114');
  });

  test("a hard link to another package's file", async () => {
    await unpack(place, [{ name: 'sudo', files: [file('usr/bin/sudo', 'x', { mode: 0o4755 })] }]);
    const found = await failing({ files: [hardLink('usr/bin/mine', 'usr/bin/sudo')] });
    expect(found.code).toBe('BUILD114');
  });

  test('links in a circle', async () => {
    const found = await failingFiles(link('a', 'b'), link('b', 'a'), file('a/x'));
    expect(found.code).toBe('BUILD111');
    expect(found.all).toContain('toy 1.0');
  });

  test('links that multiply', async () => {
    const links = [link('l0', '.')];
    for (let i = 1; i < 60; i++) links.push(link(`l${i}`, `l${i - 1}/l${i - 1}`));
    const found = await failingFiles(...links, file('l59/x'));
    expect(found.code).toBe('BUILD111');
  });
});

describe('what the system refuses', () => {
  test('a name that is too long for a file system', async () => {
    const found = await failingFiles(file('n'.repeat(256)));
    expect(found.code).toBe('BUILD117');
    expect(found.message).toContain('toy 1.0 ships /nnn');
  });

  test('a link to nothing at all', async () => {
    expect((await failingFiles(link('a', ''))).code).toBe('BUILD117');
  });
});

describe('a folder for one, a file for another', () => {
  const cases: readonly [string, TarEntry[], TarEntry[]][] = [
    ['file and folder', [file('x')], [folder('x')]],
    ['file and a file below it', [file('x')], [file('x/y')]],
    ['link and folder', [link('x', 'z')], [folder('x')]],
    ['link and a file below it', [link('x', 'z')], [file('x/y')]],
  ];
  test.each(cases)('%s: the same refusal in either order', async (_what, one, other) => {
    const packages = [
      { name: 'one', files: one },
      { name: 'other', files: other },
    ];
    const forward = await failing(...packages);
    place = site();
    const backward = await failing(...packages.toReversed());
    expect([forward.code, backward.code]).toEqual(['BUILD113', 'BUILD113']);
    expect(forward.message).toBe(backward.message);
    expect(forward.message).toContain('/x ');
  });

  test('a link of an earlier batch stands for the folder, as it does for dpkg', async () => {
    await unpack(place, [{ name: 'one', files: [link('x', 'z')] }]);
    await unpack(place, [{ name: 'other', files: [folder('x', 0o700), file('x/y')] }]);
    expect(readlinkSync(join(place.root, 'x'))).toBe('z');
    expect(place.read('z/y')).toBe('x/y\n');
  });

  test('a folder of an earlier batch stays when a link is to be there', async () => {
    await unpack(place, [{ name: 'one', files: [folder('x')] }]);
    await unpack(place, [{ name: 'other', files: [link('x', 'z')] }]);
    expect(lstatSync(join(place.root, 'x')).isDirectory()).toBe(true);
  });
});
