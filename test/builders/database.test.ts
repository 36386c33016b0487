/** The package manager's database as we write it, with dpkg itself as the judge. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Database } from '../../builders/deb/database.ts';
import { Ownership } from '../../builders/deb/ownership.ts';
import { Tree } from '../../builders/rootfs/tree.ts';
import { file, folder } from './support/deb.ts';
import { expectUntouched, site, unpack } from './support/tree.ts';
import type { Site } from './support/tree.ts';

let place: Site;
beforeEach(() => {
  place = site();
});
afterEach(() => expectUntouched(place));

const admin = (path: string): string => place.read(`var/lib/dpkg/${path}`);
const script = (name: string) => file(`./${name}`, '#!/bin/sh\n', { mode: 0o755 });
const hasDpkg = existsSync('/usr/bin/dpkg-query');

test('what dpkg keeps of a package: status, list, scripts, conffiles', async () => {
  await unpack(place, [
    {
      fields: ['Depends: libc6', 'Description: short', ' long'],
      control: [script('postinst'), file('conffiles', '/etc/toy.conf\nremove-on-upgrade /etc/x\n')],
      files: [folder('etc'), file('etc/toy.conf', 'a = 1\n')],
    },
  ]);
  expect(admin('status').split('\n')).toEqual([
    'Package: toy',
    'Status: install ok unpacked',
    'Version: 1.0',
    'Architecture: amd64',
    'Depends: libc6',
    'Description: short',
    ' long',
    'Conffiles:',
    ` /etc/toy.conf ${createHash('md5').update('a = 1\n').digest('hex')}`,
    '',
    '',
  ]);
  expect(admin('info/toy.list')).toBe('/.\n/etc\n/etc/toy.conf\n');
  expect(admin('info/toy.postinst')).toBe('#!/bin/sh\n');
});

test.skipIf(!hasDpkg)('dpkg reads it without complaint (needs dpkg on the host)', async () => {
  const who = ['Maintainer: Nobody <nobody@example.com>', 'Description: toy'];
  await unpack(place, [
    { name: 'one', fields: [...who, 'Multi-Arch: same'], files: [file('usr/one')] },
    { name: 'two', fields: who, files: [file('usr/two')] },
  ]);
  const ask = (...args: string[]): string =>
    execFileSync('dpkg-query', [`--admindir=${join(place.root, 'var/lib/dpkg')}`, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  expect(ask('--show', '-f', '${binary:Package} ${db:Status-Abbrev};')).toBe(
    'one:amd64 iU ;two iU ;',
  );
  expect(ask('--listfiles', 'one:amd64')).toBe('/.\n/usr/one\n');
});

describe('what a package may not say', () => {
  test('its own state', async () => {
    await unpack(place, [
      {
        fields: [
          'Status: install ok installed',
          'conffiles:',
          ' /etc/passwd 0',
          'Config-Version: 9',
        ],
      },
    ]);
    expect(admin('status')).toBe(
      'Package: toy\nStatus: install ok unpacked\nVersion: 1.0\nArchitecture: amd64\n\n',
    );
  });

  test('a second paragraph, which would be a second package', async () => {
    const controlText =
      'Package: toy\nVersion: 1.0\nArchitecture: amd64\n\nPackage: evil\nEssential: yes\n';
    await unpack(place, [{ controlText }]);
    expect(admin('status')).not.toContain('evil');
    expect(admin('status')).not.toContain('Essential');
  });

  test('its own file list, or a control member with a path', async () => {
    await unpack(place, [
      {
        control: [file('list', '/etc/passwd\n'), file('../../x', 'x'), file('a/b', 'x')],
        files: [file('usr/x')],
      },
    ]);
    expect(admin('info/toy.list')).toBe('/.\n/usr/x\n');
  });

  test.each(['..', '../../../x', 'File', 'Lock', 'a/b', '.hidden'])(
    'an interest in the trigger %j',
    async (name) => {
      await unpack(place, [{ control: [file('triggers', `interest ${name}\n`)] }]);
      expect(new Tree(place.root).list('var/lib/dpkg/triggers')).toEqual([]);
    },
  );
});

describe('triggers', () => {
  const interested = {
    name: 'man-db',
    control: [file('triggers', 'interest-noawait /usr/share/man # pages\ninterest ldconfig\n')],
  };

  test('interests are kept; what is unpacked below activates them, once', async () => {
    await unpack(place, [
      interested,
      { name: 'one', files: [file('usr/share/man/man1/a'), file('usr/share/man/man1/b')] },
      { name: 'two', control: [file('triggers', 'activate-noawait ldconfig\nactivate none\n')] },
    ]);
    expect(admin('triggers/File')).toBe('/usr/share/man man-db/noawait\n');
    expect(admin('triggers/ldconfig')).toBe('man-db\n');
    expect(admin('triggers/Unincorp')).toBe('/usr/share/man -\nldconfig -\n');
  });

  test('a name that only begins the same activates nothing', async () => {
    await unpack(place, [interested, { name: 'one', files: [file('usr/share/manual/x')] }]);
    expect(existsSync(join(place.root, 'var/lib/dpkg/triggers/Unincorp'))).toBe(false);
  });
});

describe('links that scripts of packages left', () => {
  test('in the place of a file of the database are replaced, not followed', async () => {
    await unpack(place, [{ name: 'one' }]);
    const secret = join(place.outside, 'secret');
    for (const path of ['status', 'info/two.list', 'triggers/File']) {
      rmSync(join(place.root, 'var/lib/dpkg', path), { force: true });
      symlinkSync(secret, join(place.root, 'var/lib/dpkg', path));
    }
    await unpack(place, [{ name: 'two', control: [file('triggers', 'interest /x\n')] }]);
    expect(admin('status')).toContain('Package: two');
  });

  test('in the place of a folder lead to a place inside', async () => {
    mkdirSync(join(place.root, 'var/lib'), { recursive: true });
    symlinkSync(place.outside, join(place.root, 'var/lib/dpkg'));
    await unpack(place, [{}]);
    expect(place.read(`${place.outside}/status`)).toContain('Package: toy');
  });
});

test('of an earlier stage: owners of files, and no folder comes back that a script removed', async () => {
  const gone = folder('var/cache/gone');
  await unpack(place, [{ name: 'one', files: [file('usr/x'), gone, file('var/cache/gone/y')] }]);
  rmSync(join(place.root, 'var/cache/gone'), { recursive: true });
  const ownership = new Ownership();
  new Database(new Tree(place.root)).loadOwnership(ownership);
  expect(existsSync(join(place.root, 'var/cache/gone'))).toBe(false);
  await expect(unpack(place, [{ name: 'two', files: [file('usr/x')] }], ownership)).rejects.toThrow(
    'BUILD120: one and two ship /usr/x',
  );
});

test('packages that wait to be configured', async () => {
  await unpack(place, [{ name: 'one' }, { name: 'two' }]);
  const path = join(place.root, 'var/lib/dpkg/status');
  writeFileSync(path, admin('status').replace('install ok unpacked', 'install ok installed'));
  const waiting = new Database(new Tree(place.root)).unconfigured();
  expect(waiting.size).toBe(1);
});
