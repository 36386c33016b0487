/** Whole file systems, before e2fsck and debugfs. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK } from '../../../builders/image/ext4/geometry.ts';
import { planExt4 } from '../../../builders/image/ext4/plan.ts';
import { writeExt4 } from '../../../builders/image/ext4/write.ts';
import { tarEntries } from '../../../builders/image/tar-entries.ts';
import { VsecError } from '../../../vse/diagnostic.ts';
import { installed } from '../support/programs.ts';
import type { File } from './support.ts';
import { checked, content, debugfs, dumped, EPOCH, fresh, IDENTITY, imageOf } from './support.ts';
import { list, MIB, planOf, tarOf } from './support.ts';

const GIB = 1024 * MIB;
const ROOT: File = { name: './', type: 'directory', mode: 0o755 };

describe.skipIf(!installed('e2fsck') || !installed('debugfs'))('a file system', () => {
  it('holds a file of 60 GiB, whose map needs several blocks', async () => {
    const tar = await tarOf([ROOT, { name: './large' }, { name: './small', content: 'small' }]);
    const entries = [...tarEntries(tar)].map((entry) =>
      entry.path === 'large' ? { ...entry, size: 60 * GIB } : entry,
    );
    const plan = planExt4({ entries, size: 64 * GIB, ...IDENTITY });
    const image = fresh('.img');
    writeFileSync(image, '');
    truncateSync(image, 64 * GIB);
    // Its content is zeros, as the file that it is written to has them.
    const small = plan.copies.filter(({ length }) => length < BLOCK);
    const { signal } = new AbortController();
    await writeExt4({ ...plan, copies: small }, tar, { disk: image, offset: 0, signal });
    checked(image);
    expect(list(image, '/').get('large')?.size).toBe(String(60 * GIB));
    expect(debugfs(image, 'stat /large')).toContain('(ETB0)');
    expect(content(image, '/small').toString()).toBe('small');
  });

  it('says which file is too large', async () => {
    const tar = await tarOf([ROOT, { name: './large' }]);
    const entries = [...tarEntries(tar)].map((entry) =>
      entry.path === 'large' ? { ...entry, size: 300 * GIB } : entry,
    );
    expect(() => planExt4({ entries, size: 320 * GIB, ...IDENTITY })).toThrow(
      expect.objectContaining({
        diagnostics: [
          expect.objectContaining({
            code: 'BUILD195',
            message: '/large is too large for a disk image: 307200 MiB',
          }),
        ],
      }),
    );
  });

  it('holds files of every kind, with owners, modes, times and links', async () => {
    const capability = String.fromCharCode(1, 0, 0, 2, 0, 32, ...Array<number>(14).fill(0));
    const long = 'x/'.repeat(1500);
    const tar = await tarOf([
      { ...ROOT, uid: 5, gid: 6, mode: 0o711 },
      { name: './bin', type: 'symlink', linkname: 'usr/bin' },
      { name: './deep/', type: 'directory', mode: 0o1777 },
      { name: './deep/in/', type: 'directory', mode: 0o2755, uid: 70_000, gid: 100_000 },
      { name: './deep/in/suid', mode: 0o4755, content: 'x'.repeat(4096) },
      { name: './deep/in/more', mode: 0o600, content: 'y'.repeat(4097) },
      { name: './deep/in/hard', type: 'link', linkname: './deep/in/more' },
      { name: './empty', mode: 0o644 },
      { name: './fifo', type: 'fifo', mode: 0o620 },
      { name: './null', type: 'character-device', mode: 0o666, devmajor: 1, devminor: 3 },
      { name: './far', type: 'block-device', mode: 0o660, devmajor: 300, devminor: 70_000 },
      { name: './link59', type: 'symlink', linkname: 'x'.repeat(59) },
      { name: './link60', type: 'symlink', linkname: 'x'.repeat(60) },
      { name: './link3000', type: 'symlink', linkname: long },
      { name: './ping', mode: 0o755, pax: { 'SCHILY.xattr.security.capability': capability } },
      { name: `./${'n'.repeat(255)}`, content: 'long' },
      { name: './ünï', content: 'not ASCII' },
      { name: './late', pax: { mtime: '2524608000' } },
    ]);
    const image = await imageOf(tar, 64 * MIB);
    checked(image);

    const root = list(image, '/');
    const { ino, ...self } = root.get('.')!;
    expect([ino, self]).toEqual(['2', { mode: '040711', uid: '5', gid: '6', size: '' }]);
    expect(root.get('lost+found')).toMatchObject({ ino: '11', mode: '040700' });
    expect(root.get('empty')).toMatchObject({ mode: '100644', size: '0' });
    expect(root.get('fifo')?.mode).toBe('010620');
    expect(root.get('null')?.mode).toBe('020666');
    expect(root.get('far')?.mode).toBe('060660');
    expect(root.get('n'.repeat(255))?.size).toBe('4');
    expect(root.get(Buffer.from('ünï').toString('latin1'))?.size).toBe('9');
    expect(root.size).toBe(16);
    const deep = list(image, '/deep/in');
    expect(deep.get('.')).toMatchObject({ mode: '042755', uid: '70000', gid: '100000' });
    expect(deep.get('suid')).toMatchObject({ mode: '104755', size: '4096' });
    expect(deep.get('hard')).toEqual(deep.get('more'));
    expect(content(image, '/deep/in/more').toString()).toBe('y'.repeat(4097));

    expect(debugfs(image, 'stat /bin')).toContain('Fast link dest: "usr/bin"');
    expect(debugfs(image, 'stat /link59')).toContain(`Fast link dest: "${'x'.repeat(59)}"`);
    const out = dumped(image);
    expect(readlinkSync(join(out, 'link60'))).toBe('x'.repeat(60));
    expect(readlinkSync(join(out, 'link3000'))).toBe(long);
    expect(debugfs(image, 'stat /null')).toContain('Device major/minor number: 01:03');
    expect(debugfs(image, 'stat /far')).toContain('Device major/minor number: 300:70000');
    expect(debugfs(image, 'stat /deep/in/more')).toContain('Links: 2');
    expect(debugfs(image, 'stat /deep')).toContain('Links: 3');
    expect(debugfs(image, 'stat /ping')).toMatch(/security\.capability \(20\) = 01 00 00 02 00 20/);
    expect(debugfs(image, 'stat /late')).toMatch(/mtime: 0x967a7600:0{7}1 .* 2050/);
    expect(debugfs(image, 'stat /empty')).toContain(`mtime: 0x${EPOCH.toString(16)}:00000000`);
  });

  it('is what GNU tar says it is, with names of any bytes and times with fractions', async () => {
    const tree = fresh('');
    mkdirSync(tree);
    const name = Buffer.concat([
      Buffer.from(`${tree}/bad`),
      Buffer.from([0xff, 0x0a]),
      Buffer.from('x'),
    ]);
    writeFileSync(name, 'any bytes');
    writeFileSync(join(tree, `${'p'.repeat(120)}`), 'long name');
    writeFileSync(join(tree, 'fraction'), '');
    execFileSync('touch', ['-d', '2020-01-01 00:00:00.123456789 UTC', join(tree, 'fraction')]);
    writeFileSync(join(tree, 'old'), '');
    execFileSync('touch', ['-d', '1960-01-01 00:00:00 UTC', join(tree, 'old')]);
    const tar = fresh('.tar');
    const owner = ['--owner=3000000', '--group=4000000', '--numeric-owner'];
    execFileSync('tar', ['-cf', tar, '--format=posix', ...owner, '-C', tree, '.']);
    const image = await imageOf(tar, 64 * MIB);
    checked(image);
    expect(list(image, '/').get('old')).toMatchObject({ uid: '3000000', gid: '4000000' });
    // 123456789 << 2 is 0x1d6f3454.
    expect(debugfs(image, 'stat /fraction')).toContain('mtime: 0x5e0be100:1d6f3454');
    expect(debugfs(image, 'stat /old')).toMatch(/mtime: 0xed300880:00000000 .* 1960/);
    const out = dumped(image);
    const found = readdirSync(Buffer.from(out), { encoding: 'buffer' })
      .map((one) => one.toString('latin1'))
      .find((one) => one.startsWith('bad'));
    expect(found).toBe('bad\xff\nx');
    expect(readFileSync(join(out, 'p'.repeat(120)), 'utf8')).toBe('long name');
  });

  it('holds a folder of many blocks', async () => {
    const names = Array.from({ length: 3000 }, (_, at) => `a-rather-long-name-of-a-file-${at}`);
    const files = names.map((name) => ({ name: `./many/${name}`, content: name }));
    const tar = await tarOf([ROOT, { name: './many/', type: 'directory' }, ...files]);
    const image = await imageOf(tar, 64 * MIB);
    checked(image);
    const found = [...list(image, '/many').keys()];
    expect(found).toEqual(['.', '..', ...names]);
  });

  it('maps a file that is in more pieces than an inode can name', async () => {
    const size = 520 * MIB;
    const tar = await tarOf([ROOT, { name: './small', content: 'before' }]);
    // tar-stream would want the content; the header is made by hand, the rest is a hole.
    const header = Buffer.alloc(512);
    const field = (text: string, at: number): void => void header.write(text, at, 'latin1');
    field('./big', 0);
    field('0000644 0000000 0000000 ', 100);
    field(`${size.toString(8).padStart(11, '0')} 00000000000 `, 124);
    field('0', 156);
    field('ustar', 257);
    truncateSync(tar, lstatSync(tar).size - 1024);
    appendFileSync(tar, header);
    const start = lstatSync(tar).size;
    truncateSync(tar, start + size + 1024);
    execFileSync(
      'dd',
      [...[`of=${tar}`, 'conv=notrunc', 'bs=1', `seek=${start + size - 4}`, 'status=none']],
      { input: 'last' },
    );
    const image = await imageOf(tar, 800 * MIB);
    checked(image);
    expect(debugfs(image, 'ex /big').split('\n').length).toBeGreaterThan(6);
    const bytes = content(image, '/big');
    expect(bytes.length).toBe(size);
    expect(bytes.subarray(-4).toString()).toBe('last');
    expect(bytes.subarray(0, -4).equals(Buffer.alloc(size - 4))).toBe(true);
  });

  it.each([20, 100, 127, 128, 129, 136, 140, 500, 1025, 4062, 5000, 40_000, 400_000])(
    'is right at %i MiB, behind something else',
    async (size) => {
      const tar = await tarOf([ROOT, { name: './file', content: 'content' }]);
      const image = await imageOf(tar, size * MIB, MIB);
      checked(`${image}?offset=${MIB}`);
      expect(content(`${image}?offset=${MIB}`, '/file').toString()).toBe('content');
    },
  );

  // e2fsck -n does not look at the copies; a kernel that grows the file system does.
  it.each([128, 1280, 5120])('has room to grow where mke2fs has it, at %i MiB', async (size) => {
    const image = await imageOf(await tarOf([ROOT]), size * MIB);
    const theirs = fresh('.img');
    writeFileSync(theirs, '');
    truncateSync(theirs, size * MIB);
    const features = '^metadata_csum_seed,^orphan_file';
    const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
    execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-O', features, theirs], {
      env,
    });
    const blocks = (of: string): string | undefined =>
      /\(DIND\):\d+, ([^\n]+)\nTOTAL: \d+/.exec(debugfs(of, 'stat <7>'))?.[1];
    expect(blocks(image)).toMatch(/^\(IND\):\d+/);
    expect(blocks(image)).toBe(blocks(theirs));
  });

  it('has an inode for each file, however many and small they are', async () => {
    const files = Array.from({ length: 20_000 }, (_, at) => ({ name: `./${at}` }));
    const image = await imageOf(await tarOf([ROOT, ...files]), 64 * MIB);
    checked(image);
    expect(list(image, '/').size).toBe(20_003);
  });

  it('is the same to the bit, whoever made it when', async () => {
    const tar = await tarOf([ROOT, { name: './file', content: 'content' }]);
    const [one, two] = [await imageOf(tar, 64 * MIB), await imageOf(tar, 64 * MIB)];
    expect(readFileSync(one).equals(readFileSync(two))).toBe(true);
  });

  it('has what the tar leaves out: a root, and lost+found of its own', async () => {
    const tar = await tarOf([
      { name: './lost+found/', type: 'directory', mode: 0o777 },
      { name: './file', content: 'x' },
    ]);
    const image = await imageOf(tar, 20 * MIB);
    checked(image);
    expect([...list(image, '/').keys()]).toEqual(['.', '..', 'lost+found', 'file']);
    expect(list(image, '/').get('lost+found')?.mode).toBe('040700');
    const empty = await imageOf(await tarOf([]), 20 * MIB);
    checked(empty);
    expect([...list(empty, '/').keys()]).toEqual(['.', '..', 'lost+found']);
  });

  it('holds any tree', async () => {
    const size = fc.oneof(fc.constantFrom(0, 1, 4095, 4096, 4097, 8192, 50_000), fc.nat(20_000));
    const name = fc.stringMatching(/^[a-z0-9._-]{1,60}$/).filter((one) => !/^\.{1,2}$/.test(one));
    const leaf = fc.record({ kind: fc.constantFrom('file', 'symlink', 'link'), size });
    const folderOf = (depth: number): fc.Arbitrary<object> =>
      fc.dictionary(name, depth === 0 ? leaf : fc.oneof(leaf, folderOf(depth - 1)), { maxKeys: 8 });
    await fc.assert(
      fc.asyncProperty(folderOf(3), fc.integer({ min: 20, max: 400 }), async (tree, mib) => {
        const files: File[] = [ROOT];
        const expected = new Map<string, string>();
        let lastFile: string | undefined;
        const walk = (folder: object, path: string): void => {
          for (const [key, value] of Object.entries(folder) as [string, Leaf | object][]) {
            const at = `${path}/${key}`;
            if (!('kind' in value) || typeof value.kind !== 'string') {
              files.push({ name: `.${at}/`, type: 'directory' });
              walk(value, at);
            } else if (value.kind === 'symlink') {
              const linkname = `t${'o'.repeat(value.size % 3000)}`;
              files.push({ name: `.${at}`, type: 'symlink', linkname });
              expected.set(at, `-> ${linkname}`);
            } else if (value.kind === 'link' && lastFile !== undefined) {
              files.push({ name: `.${at}`, type: 'link', linkname: `.${lastFile}` });
              expected.set(at, expected.get(lastFile)!);
            } else {
              const text = key.slice(0, 1).repeat((value as Leaf).size);
              files.push({ name: `.${at}`, content: text });
              expected.set(at, text);
              lastFile = at;
            }
          }
        };
        walk(tree, '');
        const image = await imageOf(await tarOf(files), mib * MIB);
        checked(image);
        const out = dumped(image);
        for (const [path, text] of expected) {
          const file = join(out, path);
          const found = lstatSync(file).isSymbolicLink()
            ? `-> ${readlinkSync(file)}`
            : readFileSync(file, 'utf8');
          expect(found === text, path).toBe(true);
        }
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});

interface Leaf {
  readonly kind: string;
  readonly size: number;
}

describe('a file system that cannot be', () => {
  it('is refused where it has no room for its content', async () => {
    const tar = await tarOf([ROOT, { name: './big', content: Buffer.alloc(20 * MIB) }]);
    const plan = (): unknown => planOf(tar, 20 * MIB);
    expect(plan).toThrow(VsecError);
    expect(plan).toThrow('too small');
  });

  it('is refused where it has too few inodes', async () => {
    const files = Array.from({ length: 33_000 }, (_, at) => ({ name: `./${at}` }));
    const tar = await tarOf([ROOT, ...files]);
    expect(() => planOf(tar, 100 * MIB)).toThrow('too small');
  });

  it('is not finished after its signal', async () => {
    const tar = await tarOf([ROOT, { name: './file', content: 'x' }]);
    const disk = fresh('.img');
    writeFileSync(disk, '');
    truncateSync(disk, 20 * MIB);
    const plan = planOf(tar, 20 * MIB);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(writeExt4(plan, tar, { disk, offset: 0, signal })).rejects.toThrow('enough');
  });

  it('is not made of a tar that lost its end', async () => {
    const tar = await tarOf([ROOT, { name: './file', content: Buffer.alloc(MIB, 'x') }]);
    const disk = fresh('.img');
    writeFileSync(disk, '');
    truncateSync(disk, 20 * MIB);
    const plan = planOf(tar, 20 * MIB);
    truncateSync(tar, MIB / 2);
    const { signal } = new AbortController();
    await expect(writeExt4(plan, tar, { disk, offset: 0, signal })).rejects.toThrow('shorter');
  });
});
