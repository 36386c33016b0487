/** The image formats by name; what they write is judged in test/e2e. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FORMAT_NAMES, formatByName } from '../../builders/formats.ts';
import type { Toolbox } from '../../builders/toolbox.ts';
import { failureOf, site } from './support/tree.ts';

const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
const hasSquashfs = spawnSync('mksquashfs', ['-version'], { env: { PATH } }).status === 0;

/** Programs of the host in the place of a toolbox. */
const toolbox: Toolbox = {
  digest: 'sha256:00',
  root: '/',
  command: (program, args) => ({
    file: program,
    args,
    env: { PATH },
  }),
};

const input = (folder: string, signal = new AbortController().signal) => ({
  toolbox,
  tar: join(folder, 'tree.tar'),
  raw: join(folder, 'disk.raw'),
  rootfsDigest: 'sha256:00',
  output: join(folder, 'image'),
  epoch: 0,
  jobs: 1,
  signal,
});

test('disks and trees, each with an ending of its own', () => {
  const disks = FORMAT_NAMES.filter((name) => formatByName(name).disk);
  expect(disks).toEqual(expect.arrayContaining(['raw', 'qcow2']));
  expect(FORMAT_NAMES).toEqual(expect.arrayContaining(['tar', 'tar.zst', 'squashfs']));
  expect(new Set(FORMAT_NAMES.map((name) => formatByName(name).suffix)).size).toBe(
    FORMAT_NAMES.length,
  );
});

test.each([
  ['qcow', 'did you mean qcow2?'],
  ['tar.zstd', 'did you mean tar.zst?'],
  ['floppy', undefined],
  ['constructor', undefined],
  ['', undefined],
])('there is no format %j', async (name, hint) => {
  const found = await failureOf(() => formatByName(name));
  expect(found.code).toBe('BUILD194');
  expect(found.message).toBe(`there is no image format ${JSON.stringify(name)}`);
  expect(found.notes[0]?.message).toContain('qcow2');
  if (hint) expect(found.hint).toBe(hint);
});

test('a tar is a copy: who changes it does not change the cache', async () => {
  const folder = site().root;
  writeFileSync(join(folder, 'tree.tar'), 'canonical');
  await formatByName('tar').write(input(folder));
  writeFileSync(join(folder, 'image'), 'changed');
  expect(readFileSync(join(folder, 'tree.tar'), 'utf8')).toBe('canonical');
  expect(statSync(join(folder, 'tree.tar')).nlink).toBe(1);
});

test('a program that fails is a message with what it said', async () => {
  const folder = site().root;
  mkdirSync(join(folder, 'tree.tar'));
  const broken = { ...input(folder), toolbox: shell('echo "bad tar" >&2; exit 7') };
  for (const name of ['squashfs', 'qcow2', 'tar.zst']) {
    writeFileSync(join(folder, 'input'), createHash('sha256').update(name).digest());
    const found = await failureOf(() =>
      formatByName(name).write({ ...broken, tar: join(folder, 'input') }),
    );
    expect(found.code).toBe('BUILD130');
    expect(found.notes.map((note) => note.message)).toEqual(['bad tar']);
  }
});

test.skipIf(!hasSquashfs)('a squashfs has the root folder of the tree', async () => {
  const folder = site().root;
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'etc'), { recursive: true });
  writeFileSync(join(tree, 'etc/issue'), 'hello');
  const options = ['--format=posix', '--mode=u=rwx,g=rx,o=', '--owner=7:7', '--group=8:8'];
  const times = ['--mtime=@1700000000', '--pax-option=delete=atime,delete=ctime'];
  execFileSync('tar', ['-C', tree, ...options, ...times, '-cf', join(folder, 'tree.tar'), '.']);
  await formatByName('squashfs').write({ ...input(folder), epoch: 1_700_000_000 });
  const listed = execFileSync('unsquashfs', ['-UTC', '-llnumeric', join(folder, 'image')], {
    encoding: 'utf8',
    env: { PATH },
  });
  expect(listed).toMatch(/^drwxr-x--- 0\/0 +\d+ 2023-11-14 22:13 squashfs-root$/m);
  expect(listed).toMatch(/^-rwxr-x--- 7\/8 +5 2023-11-14 22:13 squashfs-root\/etc\/issue$/m);
});

test('an abort ends the program', async () => {
  const folder = site().root;
  writeFileSync(join(folder, 'tree.tar'), '');
  const controller = new AbortController();
  const aborted = { ...input(folder, controller.signal), toolbox: shell('exec sleep 4713') };
  const started = performance.now();
  setTimeout(() => controller.abort(), 200);
  await expect(formatByName('squashfs').write(aborted)).rejects.toThrow(/abort/i);
  expect(performance.now() - started).toBeLessThan(10_000);
});

const shell = (script: string): Toolbox => ({
  ...toolbox,
  command: () => ({
    file: '/bin/sh',
    args: ['-c', `${script}`],
    env: { PATH: '/bin:/usr/bin' },
  }),
});
