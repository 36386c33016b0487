/** A kernel of one's own, as it comes into the tree. */
import { mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installKernel, releaseOf, withConfiguration } from '../../builders/rootfs/own-kernel.ts';
import type { Inside } from '../../builders/sandbox/inside.ts';
import { failureOf, site } from './support/tree.ts';

/** As much of a bzImage as is looked at. */
function bzImage(version: string): Buffer {
  const image = Buffer.alloc(0x2000);
  image.write('HdrS', 0x202, 'latin1');
  image.writeUInt16LE(0x1000, 0x20e);
  image.write(`${version} (me@desk) #1 SMP\0`, 0x1200, 'latin1');
  return image;
}

const inside = (root: string) => ({ root }) as Inside;

function files() {
  const place = site();
  const own = join(place.root, '../own');
  mkdirSync(join(own, 'modules/kernel/fs'), { recursive: true });
  writeFileSync(join(own, 'bzImage'), bzImage('6.9.1-mine+'));
  writeFileSync(join(own, 'initrd'), 'initrd');
  writeFileSync(join(own, 'modules/kernel/fs/ext4.ko'), 'module');
  writeFileSync(join(own, 'modules/modules.order'), 'kernel/fs/ext4.ko\n');
  symlinkSync('/usr/src/linux', join(own, 'modules/build'));
  return { place, own, image: join(own, 'bzImage') };
}

it('is named as it names itself, with its modules and its initrd', async () => {
  const { place, own, image } = files();
  const parts = { image, modules: join(own, 'modules'), initrd: join(own, 'initrd') };
  expect(await installKernel(inside(place.root), parts)).toEqual({
    release: '6.9.1-mine+',
    image: 'boot/vmlinuz-6.9.1-mine+',
    initrd: 'boot/initrd.img-6.9.1-mine+',
  });
  expect(place.read('boot/initrd.img-6.9.1-mine+')).toBe('initrd');
  expect(place.read('usr/lib/modules/6.9.1-mine+/kernel/fs/ext4.ko')).toBe('module');
  expect(readlinkSync(join(place.root, 'vmlinuz'))).toBe('boot/vmlinuz-6.9.1-mine+');
  expect(() => place.read('usr/lib/modules/6.9.1-mine+/build')).toThrow(/ENOENT/);
});

it('lends the generator of the initrd a configuration, where none came with it', async () => {
  const { root, read } = site();
  mkdirSync(join(root, 'boot'));
  const kernel = { release: '1', image: 'boot/vmlinuz-1', initrd: 'boot/initrd.img-1' };
  let seen = '';
  const look = async (): Promise<void> => void (seen = read('boot/config-1'));
  await withConfiguration(root, kernel, look);
  expect(seen).toBe('CONFIG_RD_GZIP=y\n');
  expect(() => read('boot/config-1')).toThrow(/ENOENT/);
  writeFileSync(join(root, 'boot/config-1'), 'own\n');
  await withConfiguration(root, kernel, look);
  expect([seen, read('boot/config-1')]).toEqual(['own\n', 'own\n']);
});

it('needs no modules', async () => {
  const { place, image } = files();
  expect((await installKernel(inside(place.root), { image })).release).toBe('6.9.1-mine+');
});

it.each([
  ['', 'nothing'],
  ['MZ', 'another program'],
  ['../../etc', 'a way out'],
  ['-rf', 'an option'],
  ["6.1'; touch pwned #", 'a script'],
])('a release %j, that is %s, is refused', async (version) => {
  const found = ((): string | undefined => {
    try {
      return releaseOf(version === 'MZ' ? Buffer.from('MZ') : bzImage(version), 'bzImage');
    } catch {
      return undefined;
    }
  })();
  expect(found).toBeUndefined();
});

it('says what is wrong with the modules', async () => {
  const { place, own, image } = files();
  mkdirSync(join(own, 'none'));
  const none = { image, modules: join(own, 'none') };
  const missing = await failureOf(() => installKernel(inside(place.root), none));
  expect([missing.code, missing.hint]).toEqual([
    'BUILD177',
    'name the folder of this kernel alone, as /lib/modules/6.9.1-mine+ is',
  ]);
  symlinkSync('/etc/shadow', join(own, 'modules/kernel/stolen.ko'));
  const linked = { image, modules: join(own, 'modules') };
  expect((await failureOf(() => installKernel(inside(place.root), linked))).code).toBe('BUILD177');
});

it('says when it is no kernel', async () => {
  const { place, own } = files();
  const found = await failureOf(() =>
    installKernel(inside(place.root), { image: join(own, 'initrd') }),
  );
  expect(found.code).toBe('BUILD176');
});
