/** Users and groups of a VSE: numbers, memberships, homes, keys. */
import { lstatSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Accounts } from '../../builders/rootfs/accounts.ts';
import type { GroupConfig, UserConfig } from '../../vse/types.ts';
import { put, user, writeAccounts } from './support/etc.ts';
import { IS_ROOT, expectUntouched, failureOf, site } from './support/tree.ts';
import type { Site } from './support/tree.ts';

let place: Site;
beforeEach(() => {
  place = site();
  writeAccounts(place.root);
});
afterEach(() => expectUntouched(place));

const EPOCH = 20_000 * 86_400;
const apply = (users: Record<string, UserConfig>, groups: Record<string, GroupConfig> = {}): void =>
  new Accounts(place.root, EPOCH).apply(groups, users);

/** The line of `name` in an account file. */
const line = (table: string, name: string): string | undefined =>
  place
    .read(`etc/${table}`)
    .split('\n')
    .find((row) => row.startsWith(`${name}:`));

describe('groups', () => {
  test('with a number, and with the next free one', () => {
    apply({}, { zeta: {}, alpha: { gid: 1000 }, beta: {} });
    expect(line('group', 'alpha')).toBe('alpha:x:1000:');
    expect(line('group', 'beta')).toBe('beta:x:1001:');
    expect(line('group', 'zeta')).toBe('zeta:x:1002:');
    expect(line('gshadow', 'zeta')).toBe('zeta:!::');
  });

  test('present already, with that number or without', () => {
    apply({}, { users: {}, daemon: { gid: 1 } });
    expect(place.read('etc/group').match(/^users:/gm)).toHaveLength(1);
  });

  test('present with another number', async () => {
    const found = await failureOf(() => apply({}, { users: { gid: 2000 } }));
    expect(found).toMatchObject({ code: 'BUILD161', notes: [{ message: 'option groups.users' }] });
    expect(found.message).toBe('group users has number 100 already, not 2000');
  });

  test('a number that another group has', async () => {
    const found = await failureOf(() => apply({}, { mine: { gid: 100 } }));
    expect(found.message).toBe('number 100 for group mine is taken by users');
    expect(found.code).toBe('BUILD161');
  });
});

describe.skipIf(!IS_ROOT)('users (needs root, to give away homes)', () => {
  test('a plain one: a group and a home of its own, no password', () => {
    apply({ ada: user() });
    expect(line('passwd', 'ada')).toBe('ada:x:1000:1000::/home/ada:/bin/sh');
    expect(line('shadow', 'ada')).toBe('ada:!:20000:0:99999:7:::');
    expect(line('group', 'ada')).toBe('ada:x:1000:');
    const home = statSync(join(place.root, 'home/ada'));
    expect([home.uid, home.gid, home.mode & 0o7777]).toEqual([1000, 1000, 0o700]);
  });

  test('everything that can be said', () => {
    put(place.root, 'bin/bash');
    apply({
      ada: user({
        uid: 2000,
        gid: 100,
        home: '/srv/ada',
        passwordHash: '$6$x',
        groups: ['daemon'],
      }),
    });
    expect(line('passwd', 'ada')).toBe('ada:x:2000:100::/srv/ada:/bin/bash');
    expect(line('shadow', 'ada')).toContain('ada:$6$x:20000:');
    expect(line('group', 'daemon')).toBe('daemon:x:1:ada');
    expect(line('gshadow', 'daemon')).toBe('daemon:*::ada');
    expect(line('group', 'ada')).toBeUndefined();
  });

  test('who asks for a number gets it, whatever the names', () => {
    apply({ ada: user(), zoe: user({ uid: 1000 }) }, { lab: {} });
    expect(line('passwd', 'zoe')).toContain('zoe:x:1000:1000:');
    expect(line('passwd', 'ada')).toContain('ada:x:1002:1002:');
    expect(line('group', 'lab')).toBe('lab:x:1001:');
  });

  test("a user's own group gets another number when somebody has that one", () => {
    apply({ ada: user({ uid: 1500 }) }, { lab: { gid: 1500 } });
    expect(line('passwd', 'ada')).toContain('ada:x:1500:1000:');
    expect(line('group', 'ada')).toBe('ada:x:1000:');
  });

  test('a group of the same name is the own group', () => {
    apply({ ada: user() }, { ada: { gid: 3000 } });
    expect(line('passwd', 'ada')).toContain('ada:x:1000:3000:');
  });

  test.each([
    ['a number that is taken', { uid: 1 }, 'BUILD162', 'number 1 for user ada is taken by daemon'],
    ['an unknown group', { groups: ['lab'] }, 'BUILD163', 'group lab, which does not exist'],
    ['an unknown group number', { gid: 77 }, 'BUILD163', 'group 77, which does not exist'],
  ])('%s', async (_what, config, code, message) => {
    const found = await failureOf(() => apply({ ada: user(config) }));
    expect(found).toMatchObject({ code, notes: [{ message: 'option users.ada' }] });
    expect(found.message).toContain(message);
    expect(found.hint).toBeDefined();
  });

  test('two users with one number', async () => {
    const found = await failureOf(() =>
      apply({ ada: user({ uid: 2000 }), bob: user({ uid: 2000 }) }),
    );
    expect(found.message).toBe('number 2000 for user bob is taken by ada');
  });

  test('skeleton: files, folders and links, all of them the user’s', () => {
    put(place.root, 'etc/skel/.config/app/rc', 'x', 0o600);
    put(place.root, 'etc/skel/.profile');
    symlinkSync('/etc/motd', join(place.root, 'etc/skel/motd'));
    apply({ ada: user() });
    expect(place.read('home/ada/.config/app/rc')).toBe('x');
    for (const path of ['.profile', '.config', '.config/app', '.config/app/rc', 'motd']) {
      const stat = lstatSync(join(place.root, 'home/ada', path));
      expect([path, stat.uid, stat.gid]).toEqual([path, 1000, 1000]);
    }
    expect(statSync(join(place.root, 'home/ada/.config/app/rc')).mode & 0o777).toBe(0o600);
  });

  test('a home that is there stays as it is', () => {
    put(place.root, 'srv/data/x', 'x');
    put(place.root, 'etc/skel/.profile');
    apply({ ada: user({ home: '/srv/data' }) });
    expect(readdirSync(join(place.root, 'srv/data'))).toEqual(['x']);
    expect(statSync(join(place.root, 'srv/data')).uid).toBe(0);
  });
});

describe.skipIf(!IS_ROOT)('users that are there already (needs root)', () => {
  test('a password, a shell, another primary group', () => {
    apply({ root: user({ passwordHash: '$y$x', shell: '/bin/zsh' }), daemon: user({ gid: 100 }) });
    expect(line('shadow', 'root')).toBe('root:$y$x:19000:0:99999:7:::');
    expect(line('passwd', 'root')).toBe('root:x:0:0:root:/root:/bin/zsh');
    expect(line('passwd', 'daemon')).toContain('daemon:x:1:100:');
  });

  test('a password where the shadow file has no line yet', () => {
    apply({ daemon: user({ passwordHash: '$y$x' }) });
    expect(line('shadow', 'daemon')).toContain('daemon:$y$x:20000:');
  });

  test('joining a group makes nobody a home', () => {
    apply({ nobody: user({ groups: ['users'] }) });
    expect(line('group', 'users')).toBe('users:x:100:nobody');
    expect(readdirSync(place.root)).not.toContain('nonexistent');
  });

  test('with another number', async () => {
    const found = await failureOf(() => apply({ daemon: user({ uid: 7 }) }));
    expect(found).toMatchObject({ code: 'BUILD162' });
    expect(found.message).toBe('user daemon has number 1 already, not 7');
  });
});

describe.skipIf(!IS_ROOT)('keys (needs root)', () => {
  const keyed = user({ sshKeys: ['ssh-ed25519 AAAA me', 'ssh-rsa BBBB you'] });

  test('for a new user', () => {
    apply({ ada: keyed });
    expect(place.read('home/ada/.ssh/authorized_keys')).toBe(
      'ssh-ed25519 AAAA me\nssh-rsa BBBB you\n',
    );
    const modes = ['.ssh', '.ssh/authorized_keys'].map((path) => {
      const stat = statSync(join(place.root, 'home/ada', path));
      return [stat.uid, stat.gid, (stat.mode & 0o7777).toString(8)];
    });
    expect(modes).toEqual([
      [1000, 1000, '700'],
      [1000, 1000, '600'],
    ]);
  });

  test('for root', () => {
    apply({ root: keyed });
    expect(place.read('root/.ssh/authorized_keys')).toContain('AAAA');
  });

  test('through links of packages: inside the tree, or not followed', () => {
    symlinkSync(place.outside, join(place.root, 'home'));
    put(place.root, 'etc/skel/.ssh/x');
    symlinkSync(join(place.outside, 'secret'), join(place.root, 'etc/skel/.ssh/authorized_keys'));
    apply({ ada: keyed });
    expect(place.read(`${place.outside}/ada/.ssh/authorized_keys`)).toContain('AAAA');
  });
});

describe('the files themselves', () => {
  test('modes and owners stay; what did not change is not written', () => {
    const before = statSync(join(place.root, 'etc/passwd')).mtimeMs;
    apply({}, { lab: {} });
    expect(statSync(join(place.root, 'etc/gshadow')).mode & 0o7777).toBe(0o640);
    expect(statSync(join(place.root, 'etc/passwd')).mtimeMs).toBe(before);
  });

  test.skipIf(!IS_ROOT)('a new shadow file belongs to its group (needs root)', () => {
    rmSync(join(place.root, 'etc/shadow'));
    apply({ ada: user() });
    const stat = statSync(join(place.root, 'etc/shadow'));
    expect([stat.uid, stat.gid, stat.mode & 0o7777]).toEqual([0, 42, 0o640]);
  });

  test('links in their place are read inside the tree, and replaced', () => {
    const secret = join(place.outside, 'secret');
    rmSync(join(place.root, 'etc/group'));
    symlinkSync(secret, join(place.root, 'etc/group'));
    apply({}, { lab: {} });
    expect(place.read('etc/group')).toBe('lab:x:1000:\n');
  });

  test('/etc as a link', () => {
    rmSync(join(place.root, 'etc'), { recursive: true });
    symlinkSync(place.outside, join(place.root, 'etc'));
    apply({}, { lab: {} });
    expect(place.read(`${place.outside}/group`)).toBe('lab:x:1000:\n');
  });

  test('a tree without any, and nothing to add', () => {
    const empty = site();
    mkdirSync(join(empty.root, 'usr'));
    new Accounts(empty.root, EPOCH).apply({}, {});
    expect(readdirSync(empty.root)).toEqual(['usr']);
  });
});

test('names and numbers', () => {
  const accounts = new Accounts(place.root, EPOCH);
  expect([accounts.uid('daemon'), accounts.uid('77'), accounts.uid('eve')]).toEqual([
    1,
    77,
    undefined,
  ]);
  expect([accounts.gid('users'), accounts.gid('77'), accounts.gid('eve')]).toEqual([
    100,
    77,
    undefined,
  ]);
});
