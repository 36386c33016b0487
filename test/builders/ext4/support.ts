/** Tars made by hand, file systems made of them, and what e2fsprogs reads there. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { pack } from 'tar-stream';
import { afterAll, expect } from 'vitest';
import { planExt4, type Ext4Plan } from '../../../builders/image/ext4/plan.ts';
import { writeExt4 } from '../../../builders/image/ext4/write.ts';
import { tarEntries } from '../../../builders/image/tar-entries.ts';

export const EPOCH = 1_700_000_000;
export const MIB = 1 << 20;
export const IDENTITY = {
  label: 'vse-test',
  uuid: '01234567-89ab-8def-8123-456789abcdef',
  epoch: EPOCH,
};

export interface File extends Partial<Header> {
  readonly name: string;
  readonly content?: string | Buffer;
}

const folder = mkdtempSync(join(tmpdir(), 'vsec-ext4-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
export const fresh = (suffix: string): string => join(folder, `${++count}${suffix}`);

const PATH = `${process.env['PATH']}:/usr/sbin:/sbin`;

/** Writes a tar with exactly these entries; folders are theirs to name. */
export async function tarOf(files: readonly File[]): Promise<string> {
  const path = fresh('.tar');
  const archive = pack();
  for (const { content = '', ...header } of files)
    archive.entry({ mtime: new Date(EPOCH * 1000), ...header }, content);
  archive.finalize();
  await pipeline(archive, createWriteStream(path));
  return path;
}

/** The plan of the file system of `tar`, of `size` bytes. */
export const planOf = (tar: string, size: number): Ext4Plan =>
  planExt4({ entries: [...tarEntries(tar)], size, ...IDENTITY });

/** A file of `size` bytes with the file system of `tar` at `offset`; what it says of itself is checked. */
export async function imageOf(tar: string, size: number, offset = 0): Promise<string> {
  const disk = fresh('.img');
  writeFileSync(disk, '');
  truncateSync(disk, offset + size);
  const plan = planOf(tar, size);
  const { signal } = new AbortController();
  const settled: number[] = [];
  await writeExt4(plan, tar, { disk, offset, signal, settled: (at) => settled.push(at) });
  expect(settled).toEqual([...settled].sort((a, b) => a - b));
  return disk;
}

/** Asks e2fsck, which finds nothing to say. */
export function checked(image: string): void {
  const { status, stdout } = spawnSync('e2fsck', ['-fn', image], {
    env: { PATH, LC_ALL: 'C' },
    encoding: 'utf8',
  });
  expect(status, stdout).toBe(0);
}

/** What debugfs prints for `commands`. */
export function debugfs(image: string, ...commands: readonly string[]): string {
  const script = fresh('.debugfs');
  writeFileSync(script, `${commands.join('\n')}\n`, 'latin1');
  const env = { PATH, LC_ALL: 'C' };
  return execFileSync('debugfs', ['-f', script, image], { env, stdio: 'pipe' }).toString('latin1');
}

export interface Listed {
  readonly ino: string;
  /** Octal, with the type. */
  readonly mode: string;
  readonly uid: string;
  readonly gid: string;
  readonly size: string;
}

/** What a folder of the image holds, by its names. */
export function list(image: string, path: string): ReadonlyMap<string, Listed> {
  const found = new Map<string, Listed>();
  for (const line of debugfs(image, `ls -p ${path}`).split('\n')) {
    const [, ino = '', mode = '', uid = '', gid = '', name, size = ''] = line.split('/');
    if (name !== undefined) found.set(name, { ino, mode, uid, gid, size });
  }
  return found;
}

/** The content of a file of the image. */
export function content(image: string, path: string): Buffer {
  const out = fresh('.out');
  debugfs(image, `dump "${path}" ${out}`);
  return readFileSync(out);
}

/** All of the image's files below a folder of the host. */
export function dumped(image: string): string {
  const out = fresh('.dump');
  mkdirSync(out);
  debugfs(image, `rdump / ${out}`);
  return out;
}
