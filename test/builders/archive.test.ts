/** Package files that are not what they say: truncated, lying, incomplete. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { decompressHere } from '../../builders/deb/decompress.ts';
import { openPackage } from '../../builders/deb/unpack.ts';
import { ar, deb, file, tar } from './support/deb.ts';
import type { ArMember, DebRecipe } from './support/deb.ts';
import { failureOf, site, unpack } from './support/tree.ts';
import type { Site } from './support/tree.ts';

let place: Site;
beforeEach(() => {
  place = site();
});

async function opening(bytes: Buffer, label = 'toy 1.0'): Promise<string> {
  const path = join(place.root, '..', 'toy.deb');
  writeFileSync(path, bytes);
  const decompress = decompressHere();
  const found = await failureOf(() => openPackage({ path, label }, decompress));
  expect(found.all).toContain('toy 1.0');
  return `${found.code}: ${found.message}`;
}

const edited = (edit: (members: ArMember[]) => readonly ArMember[], more: DebRecipe = {}) =>
  deb({ ...more, edit });

const change =
  (name: string, to: Partial<ArMember>) =>
  (members: ArMember[]): ArMember[] =>
    members.map((member) => (member.name.startsWith(name) ? { ...member, ...to } : member));

describe('the ar archive', () => {
  test.each([
    ['an empty file', Buffer.alloc(0), 'no ar signature'],
    ['another kind of file', Buffer.from('PK\x03\x04 something else'), 'no ar signature'],
    ['only the signature', Buffer.from('!<arch>\n'), 'debian-binary is not first'],
  ])('%s', async (_what, bytes, why) => {
    expect(await opening(bytes)).toBe(`BUILD101: not a valid Debian package: ${why}`);
  });

  test.each([
    ['9999999999', 'member data.tar is longer than the file'],
    ['-1', 'bad ar header'],
    ['0x10', 'bad ar header'],
    ['', 'bad ar header'],
  ])('a size of %j', async (size, why) => {
    expect(await opening(await edited(change('data', { size })))).toContain(`BUILD101`);
    expect(await opening(await edited(change('data', { size })))).toContain(why);
  });

  test('a size that is too small: what follows is no header', async () => {
    const bytes = await edited(change('control', { size: '512' }));
    expect(await opening(bytes)).toContain('BUILD101: not a valid Debian package: bad ar header');
  });

  test('members that are missing or in the wrong place', async () => {
    expect(await opening(await edited((m) => m.slice(0, 2)))).toContain('data member is missing');
    expect(await opening(await edited((m) => m.toSpliced(1, 1)))).toContain('member is missing');
    expect(await opening(await edited((m) => m.toReversed()))).toContain('is not first');
  });

  test('every truncation of a package is a message', async () => {
    const whole = await deb({ gzip: true, files: [file('usr/x')] });
    for (let length = 0; length < whole.length; length += 7) {
      const path = join(place.root, '..', 'toy.deb');
      writeFileSync(path, whole.subarray(0, length));
      const decompress = decompressHere();
      const found = await failureOf(() => openPackage({ path, label: 'toy 1.0' }, decompress));
      expect(['BUILD101', 'BUILD102']).toContain(found.code);
    }
  });
});

describe('compression', () => {
  test('one that is not supported', async () => {
    const bytes = await edited(change('control', { name: 'control.tar.bz2' }));
    expect(await opening(bytes)).toBe('BUILD103: packages compressed as bz2 are not supported');
  });

  test('damaged: control and data', async () => {
    const damaged = gzipSync('x'.repeat(5000));
    damaged.fill(0, 12, 20);
    const control = await edited(change('control', { name: 'control.tar.gz', bytes: damaged }));
    expect(await opening(control)).toContain(
      'BUILD101: not a valid Debian package: control.tar.gz',
    );
    const found = await failureOf(() =>
      unpack(place, [{ gzip: true, edit: change('data', { bytes: damaged }) }]),
    );
    expect(found).toMatchObject({ code: 'BUILD101' });
    expect(found.all).toContain('toy 1.0');
  });

  test('truncated data', async () => {
    const whole = await tar([file('a', 'x'.repeat(5000))]);
    for (const bytes of [whole.subarray(0, 1024), gzipSync(whole).subarray(0, 40)]) {
      const name = bytes[0] === 0x1f ? 'data.tar.gz' : 'data.tar';
      const found = await failureOf(() =>
        unpack(place, [{ edit: change('data', { name, bytes }) }]),
      );
      expect(found.code).toBe('BUILD101');
    }
  });

  test('an empty data member is an empty package', async () => {
    await unpack(place, [{ edit: change('data', { bytes: Buffer.alloc(0) }) }]);
    expect(place.read('var/lib/dpkg/info/toy.list')).toBe('\n');
  });
});

describe('the control archive', () => {
  test('without a control file', async () => {
    const bytes = await tar([file('./md5sums')]);
    expect(await opening(await edited(change('control', { bytes })))).toBe(
      'BUILD102: not a valid Debian package: no control file',
    );
  });

  test.each([
    ['', 'has no Package'],
    ['Package: toy\n', 'has no Version'],
    ['Package: toy\nVersion: 1.0\n', 'has no Architecture'],
    [
      'Package: ../../../etc/cron.d/x\nVersion: 1.0\nArchitecture: amd64\n',
      'an impossible Package',
    ],
    ['Package: toy\nVersion: 1 0\nArchitecture: amd64\n', 'an impossible Version'],
    ['Package: toy\nVersion: 1.0\nArchitecture: ../x\nMulti-Arch: same\n', 'impossible Architec'],
  ])('with the control file %j', async (controlText, why) => {
    const found = await opening(await deb({ controlText }));
    expect(found).toContain('BUILD102');
    expect(found).toContain(why);
  });

  test('a giant member', async () => {
    const control = [{ name: 'templates', content: 'x'.repeat(33 << 20) }];
    expect(await opening(await deb({ control, gzip: true }))).toBe(
      'BUILD101: not a valid Debian package: control member templates is larger than 32 MiB',
    );
  });

  test('of another package than the lock says', async () => {
    expect(await opening(await deb({ version: '2.0' }))).toBe(
      "BUILD104: its repository's index says toy 1.0, but the package is toy 2.0",
    );
  });

  test('a plain package is fine', async () => {
    const path = join(place.root, '..', 'toy.deb');
    const members = ['debian-binary', 'control.tar', 'data.tar', '_extra'];
    const bytes = await edited((m) => [...m, { name: '_extra', bytes: Buffer.from('odd') }]);
    expect(ar([]).toString()).toBe('!<arch>\n');
    writeFileSync(path, bytes);
    const decompress = decompressHere();
    const opened = await openPackage({ path, label: 'toy 1.0' }, decompress);
    expect(opened.owner).toMatchObject({ id: 'toy', name: 'toy', version: '1.0' });
    expect(members[2]).toBe(opened.members.data.name);
  });
});
