/** VMware's disks: whole, and the same bytes each time. */
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatByName } from '../../builders/formats.ts';
import { fixContentId } from '../../builders/image/vmdk.ts';
import type { Toolbox } from '../../builders/toolbox.ts';
import { installed } from './support/programs.ts';
import { site } from './support/tree.ts';

const toolbox: Toolbox = {
  digest: 'sha256:00',
  root: '/',
  command: (program, args) => ({ file: program, args, env: { PATH: process.env['PATH'] ?? '' } }),
};

async function vmdk(raw: string, output: string, rootfsDigest: string): Promise<Buffer> {
  const { signal } = new AbortController();
  const input = { toolbox, tar: '', raw, output, rootfsDigest, epoch: 0, jobs: 1, signal };
  await formatByName('vmdk').write(input);
  return readFileSync(output);
}

const descriptor = (disk: Buffer): string => disk.subarray(512, 512 + 20 * 512).toString('latin1');

describe.skipIf(!installed('qemu-img'))('a stream-optimised disk', () => {
  it('holds what the raw one does, under an ID that follows from the tree', async () => {
    const folder = site().root;
    const raw = join(folder, 'disk.raw');
    const content = Buffer.alloc(3 << 20);
    randomFillSync(content.subarray(1 << 20, 2 << 20));
    writeFileSync(raw, content);
    const path = join(folder, 'disk.vmdk');
    const first = await vmdk(raw, path, 'sha256:a');
    execFileSync('qemu-img', ['check', '-q', path]);
    execFileSync('qemu-img', ['compare', '-q', path, raw]);
    expect(descriptor(first)).toContain('createType="streamOptimized"');
    expect(descriptor(first)).toContain('ddb.adapterType = "lsilogic"');
    // Its own name stands in it, but not the folder's.
    mkdirSync(join(folder, 'again'));
    const again = await vmdk(raw, join(folder, 'again/disk.vmdk'), 'sha256:a');
    expect(again.equals(first)).toBe(true);
    const other = await vmdk(raw, join(folder, 'other.vmdk'), 'sha256:b');
    const id = (disk: Buffer): string | undefined => /^CID=(.*)$/m.exec(descriptor(disk))?.[1];
    expect(id(other)).toMatch(/^[0-7][0-9a-f]{7}$/);
    expect(id(other)).not.toBe(id(first));
  });
});

it.each(['57580626', '7580626', '6', '0'])('a content ID of %s is replaced', (random) => {
  const made = (cid: string): Buffer => {
    const disk = Buffer.alloc(3 * 512);
    disk.write('KDMV');
    disk.writeBigUInt64LE(1n, 28);
    disk.writeBigUInt64LE(1n, 36);
    disk.write(`version=1\nCID=${cid}\nparentCID=ffffffff\n`, 512);
    disk.write('data', 1024);
    const path = join(site().root, 'disk.vmdk');
    writeFileSync(path, disk);
    fixContentId(path, 'sha256:a');
    return readFileSync(path);
  };
  const fixed = made(random);
  expect(fixed.equals(made('ffffffff'))).toBe(true);
  expect(descriptor(fixed)).toMatch(
    /^version=1\nCID=[0-7][0-9a-f]{7}\nparentCID=ffffffff\n\0+data/,
  );
});

it('says when a file is no such disk', () => {
  const path = join(site().root, 'other');
  writeFileSync(path, Buffer.alloc(4096));
  expect(() => fixContentId(path, 'sha256:a')).toThrow(/is no VMDK with a descriptor inside/);
});
