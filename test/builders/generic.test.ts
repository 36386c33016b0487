/** Taking out of a tree what belongs to one machine, and nothing of the host's. */
import { existsSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeGeneric } from '../../builders/rootfs/generic.ts';
import { put } from './support/etc.ts';
import { expectUntouched, site } from './support/tree.ts';
import type { Site } from './support/tree.ts';

let place: Site;
beforeEach(() => {
  place = site();
});
afterEach(() => expectUntouched(place));

const there = (...paths: string[]): boolean[] =>
  paths.map((path) => existsSync(join(place.root, path)));
const fill = (...paths: string[]): void => {
  for (const path of paths) put(place.root, path, path);
};
const link = (path: string, target: string): void => {
  mkdirSync(join(place.root, path, '..'), { recursive: true });
  symlinkSync(target, join(place.root, path));
};

test('what one machine or the build left behind goes', () => {
  const gone = [
    ...['run/lock/x', 'tmp/.hidden', 'var/tmp/x', 'var/cache/apt/pkgcache.bin', 'dev/null'],
    ...['etc/passwd-', 'var/lib/dpkg/status-old', 'var/lib/systemd/random-seed'],
    ...['etc/ssh/ssh_host_rsa_key', 'etc/ssh/ssh_host_rsa_key.pub', 'var/lib/dbus/machine-id'],
    ...['var/log/dpkg.log', 'var/log/apt/history.log'],
  ];
  const stay = ['etc/ssh/sshd_config', 'var/log/apt', 'var/lib/dpkg/status', 'tmp', 'run', 'dev'];
  fill(...gone, 'etc/ssh/sshd_config', 'var/lib/dpkg/status');
  makeGeneric(place.root);
  expect(there(...gone)).toEqual(gone.map(() => false));
  expect(there(...stay)).toEqual(stay.map(() => true));
});

test('login records stay, empty', () => {
  fill('var/log/wtmp', 'var/log/lastlog');
  makeGeneric(place.root);
  expect([place.read('var/log/wtmp'), place.read('var/log/lastlog')]).toEqual(['', '']);
});

test('the machine-id is empty and read-only, where the system knows one', () => {
  makeGeneric(place.root);
  expect(there('etc/machine-id')).toEqual([false]);
  fill('usr/bin/systemctl', 'etc/machine-id');
  makeGeneric(place.root);
  expect(place.read('etc/machine-id')).toBe('');
  expect(statSync(join(place.root, 'etc/machine-id')).mode & 0o777).toBe(0o444);
});

test('an empty tree stays empty', () => {
  makeGeneric(place.root);
  expect(there('etc', 'var', 'run')).toEqual([false, false, false]);
});

test("the VSE's own files stay, wherever they are", () => {
  fill('var/log/app/seed.log', 'var/log/app/other.log', 'var/cache/apt/mine', 'etc/machine-id');
  makeGeneric(
    place.root,
    new Set(['var/log/app/seed.log', 'var/cache/apt/mine', 'etc/machine-id']),
  );
  expect(there('var/log/app/seed.log', 'var/log/app/other.log', 'var/cache/apt/mine')).toEqual([
    true,
    false,
    true,
  ]);
  expect(place.read('etc/machine-id')).toBe('etc/machine-id');
});

test('a kept file in a folder that would go whole', () => {
  fill('tmp/a/b/kept', 'tmp/a/b/gone', 'tmp/c/gone');
  makeGeneric(place.root, new Set(['tmp/a/b/kept']));
  expect(there('tmp/a/b/kept', 'tmp/a/b/gone', 'tmp/c')).toEqual([true, false, false]);
});

test.each(['var', 'var/log', 'var/cache', 'var/cache/apt', 'run', 'tmp', 'etc', 'etc/ssh', 'dev'])(
  'a link to the host at /%s',
  (path) => {
    link(path, place.outside);
    makeGeneric(place.root);
    rmSync(join(place.root, path));
  },
);

test.each(['var/log/wtmp', 'etc/machine-id', 'etc/passwd-'])(
  "a link to a host's file at /%s",
  (path) => {
    link(path, join(place.outside, 'secret'));
    makeGeneric(place.root);
  },
);

test('a link inside is cleared behind it: /var/tmp is often /tmp', () => {
  fill('tmp/x');
  link('var/tmp', '/tmp');
  makeGeneric(place.root);
  expect(there('tmp', 'tmp/x')).toEqual([true, false]);
});
