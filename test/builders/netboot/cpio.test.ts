import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CpioEntry } from '../../../builders/netboot/cpio.ts';
import { cpio } from '../../../builders/netboot/cpio.ts';

const EPOCH = 1_700_000_000;
const ENTRIES: readonly CpioEntry[] = [
  { type: 'folder', path: 'etc' },
  { type: 'file', path: 'etc/one', mode: 0o644, data: Buffer.from('1') },
  { type: 'file', path: 'etc/none', mode: 0o600, data: Buffer.alloc(0) },
  { type: 'file', path: 'init', mode: 0o755, data: Buffer.from('#!/bin/sh\n') },
  { type: 'link', path: 'sh', target: 'bin/busybox' },
];

describe('an archive for the kernel', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpio-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.skipIf(!existsSync('/usr/bin/cpio') && !existsSync('/bin/cpio'))(
    'is what cpio itself unpacks',
    () => {
      execFileSync('cpio', ['-idm', '--quiet'], { cwd: folder, input: cpio(ENTRIES, EPOCH) });
      expect(readFileSync(join(folder, 'etc/one'), 'utf8')).toBe('1');
      expect(readFileSync(join(folder, 'etc/none'), 'utf8')).toBe('');
      expect(readlinkSync(join(folder, 'sh'))).toBe('bin/busybox');
      expect(lstatSync(join(folder, 'init')).mode & 0o777).toBe(0o755);
      expect(lstatSync(join(folder, 'init')).mtimeMs).toBe(EPOCH * 1000);
    },
  );

  it('is the same whatever order its entries come in', () => {
    expect(cpio(ENTRIES.toReversed(), EPOCH).equals(cpio(ENTRIES, EPOCH))).toBe(true);
  });

  it('starts every header at a multiple of four bytes, and ends with the trailer', () => {
    const archive = cpio(ENTRIES, EPOCH);
    let at = 0;
    const names: string[] = [];
    while (at < archive.length) {
      expect(at % 4).toBe(0);
      expect(archive.toString('latin1', at, at + 6)).toBe('070701');
      const field = (index: number): number =>
        parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
      const nameEnd = at + 110 + field(11);
      names.push(archive.toString('latin1', at + 110, nameEnd - 1));
      const data = Math.ceil(nameEnd / 4) * 4;
      at = Math.ceil((data + field(6)) / 4) * 4;
    }
    expect(names).toEqual(['etc', 'etc/none', 'etc/one', 'init', 'sh', 'TRAILER!!!']);
  });

  it.each(['', '/etc', '../x', 'a/../b', 'a//b', 'a\0b', '.'])('refuses the path %j', (path) => {
    expect(() => cpio([{ type: 'folder', path }], EPOCH)).toThrow('not a path');
  });

  it('refuses a path that is there twice', () => {
    const entry: CpioEntry = { type: 'folder', path: 'a' };
    expect(() => cpio([entry, entry], EPOCH)).toThrow('twice');
  });
});
