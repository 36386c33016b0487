/** The `files` of a VSE: where they go, what they look like, and where they cannot go. */
import { createHash } from 'node:crypto';
import { lstatSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Accounts } from '../../builders/rootfs/accounts.ts';
import { writeFiles } from '../../builders/rootfs/files.ts';
import type { FileConfig } from '../../vse/types.ts';
import { put, writeAccounts } from './support/etc.ts';
import { IS_ROOT, expectUntouched, failureOf, site } from './support/tree.ts';
import type { Site } from './support/tree.ts';

let place: Site;
beforeEach(() => {
  place = site();
  writeAccounts(place.root);
});
afterEach(() => expectUntouched(place));

const write = (files: Record<string, FileConfig>): ReadonlySet<string> =>
  writeFiles(place.root, files, new Accounts(place.root, 0));

const mode = (path: string): string => (statSync(join(place.root, path)).mode & 0o7777).toString(8);

describe.skipIf(!IS_ROOT)('what is written (needs root, for owners)', () => {
  test('content, folder, link, with modes and owners', () => {
    const written = write({
      '/opt/a/run.sh': { content: 'go\n', mode: '4755', owner: 'daemon', group: 'users' },
      '/opt/a': { directory: true, mode: '1777', group: 'users' },
      '/opt/b': { link: 'a/run.sh' },
      '/opt/empty': { content: '' },
    });
    expect(place.read('opt/a/run.sh')).toBe('go\n');
    const run = statSync(join(place.root, 'opt/a/run.sh'));
    expect([run.uid, run.gid, mode('opt/a/run.sh')]).toEqual([1, 100, '4755']);
    expect([mode('opt'), mode('opt/a'), mode('opt/empty')]).toEqual(['755', '1777', '644']);
    expect(readlinkSync(join(place.root, 'opt/b'))).toBe('a/run.sh');
    expect([...written].sort()).toEqual(['opt/a', 'opt/a/run.sh', 'opt/b', 'opt/empty']);
  });

  test('in the place of what is there: a file, a link, a read-only file', () => {
    put(place.root, 'etc/motd', 'old', 0o400);
    symlinkSync('../run/resolv.conf', join(place.root, 'etc/resolv.conf'));
    put(place.root, 'etc/hosts', 'old');
    write({
      '/etc/motd': { content: 'new' },
      '/etc/resolv.conf': { content: 'new' },
      '/etc/hosts': { link: 'other' },
    });
    expect([place.read('etc/motd'), mode('etc/motd')]).toEqual(['new', '644']);
    expect(lstatSync(join(place.root, 'etc/resolv.conf')).isFile()).toBe(true);
    expect(readlinkSync(join(place.root, 'etc/hosts'))).toBe('other');
  });

  test('a folder that is there gets mode and owner', () => {
    write({ '/root': { directory: true, mode: '0750', group: 'users' } });
    expect([mode('root'), statSync(join(place.root, 'root')).gid]).toEqual(['750', 100]);
  });
});

describe.skipIf(!IS_ROOT)('links that packages ship (needs root)', () => {
  test('an absolute one leads to a place inside', () => {
    symlinkSync('/run', join(place.root, 'var-run'));
    write({ '/var-run/app/pid': { content: '1' } });
    expect(place.read('run/app/pid')).toBe('1');
  });

  test('one to a folder of the host does, too', () => {
    symlinkSync(place.outside, join(place.root, 'door'));
    write({ '/door/evil': { content: 'tame' }, '/door/deep': { directory: true } });
    expect(place.read(`${place.outside}/evil`)).toBe('tame');
  });

  test('one to a file of the host is replaced', () => {
    const secret = join(place.outside, 'secret');
    symlinkSync(secret, join(place.root, 'etc/a'));
    symlinkSync(secret, join(place.root, 'etc/b'));
    symlinkSync(secret, join(place.root, 'etc/c'));
    const source = { path: secret, sha256: sha256('of the host\n'), size: 12 };
    write({ '/etc/a': { content: 'tame' }, '/etc/b': { source }, '/etc/c': { link: 'a' } });
    expect([place.read('etc/a'), place.read('etc/b')]).toEqual(['tame', 'of the host\n']);
  });

  test("a link of the VSE's own, then a file through it", () => {
    write({ '/door': { link: place.outside }, '/door/evil': { content: 'tame' } });
    expect(place.read(`${place.outside}/evil`)).toBe('tame');
  });
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('sources', () => {
  const source = (text: string) => {
    const path = join(place.root, '..', 'source');
    writeFileSync(path, text);
    return { path, sha256: sha256(text), size: text.length };
  };

  test.skipIf(!IS_ROOT)('are copied (needs root)', () => {
    write({ '/opt/data': { source: source('x'.repeat(3_000_000)) } });
    expect(place.read('opt/data')).toBe('x'.repeat(3_000_000));
  });

  test('that changed since the environment was read', async () => {
    const given = source('before');
    writeFileSync(given.path, 'BEFORE');
    const found = await failureOf(() => write({ '/opt/data': { source: given } }));
    expect(found.code).toBe('BUILD174');
    expect(found.message).toBe(`${given.path} changed after the environment was read`);
    expect(found.all).toContain('option files./opt/data');
    expect(found.all).toContain(sha256('BEFORE'));
  });

  test('that are gone', async () => {
    const given = source('before');
    rmSync(given.path);
    const found = await failureOf(() => write({ '/opt/data': { source: given } }));
    expect(found.code).toBe('BUILD173');
    expect(found.message).toContain(`cannot read ${given.path}`);
  });

  test('that are a folder by now', async () => {
    const given = { ...source('before'), path: place.root };
    await expect(failureOf(() => write({ '/x': { source: given } }))).resolves.toMatchObject({
      code: 'BUILD173',
    });
  });
});

describe('what cannot be written', () => {
  test.each<[string, Record<string, FileConfig>, string, string]>([
    ['an unknown owner', { '/x': { content: '', owner: 'eve' } }, 'BUILD164', 'user eve'],
    ['an unknown group', { '/x': { content: '', group: 'eve' } }, 'BUILD164', 'group eve'],
    ['a file where a folder is', { '/etc': { content: '' } }, 'BUILD165', 'there is a folder'],
    ['a link where a folder is', { '/etc': { link: 'x' } }, 'BUILD165', 'there is a folder'],
    ['a folder where a file is', { '/etc/passwd': { directory: true } }, 'BUILD112', 'is a file'],
    ['below a file', { '/etc/passwd/x': { content: '' } }, 'BUILD112', 'is a file'],
    [
      'a name that is too long',
      { [`/${'n'.repeat(256)}`]: { content: '' } },
      'BUILD165',
      'too long',
    ],
    ['a way out', { '/../outside/evil': { content: '' } }, 'BUILD110', 'unsafe path'],
  ])('%s', async (_what, files, code, message) => {
    const found = await failureOf(() => write(files));
    expect(found.code).toBe(code);
    expect(found.message).toContain(message);
    expect(found.notes[0]?.message).toBe(`option files.${Object.keys(files)[0]}`);
  });
});
