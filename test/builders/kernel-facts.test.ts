/** Reading kernels and initrds, with files made for it; the real ones are in the boot tests. */
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileBytes, inMemory } from '../../builders/kernel/bytes.ts';
import { kernelPayload } from '../../builders/kernel/bzimage.ts';
import { readKernelFacts } from '../../builders/kernel/facts.ts';
import { driversIn } from '../../builders/kernel/initrd.ts';
import { xenEntries } from '../../builders/kernel/xen-notes.ts';
import { fakeToolbox } from './support/boot.ts';

/** An ELF file that is nothing but notes: `[name, type]`. */
function elf(notes: readonly (readonly [string, number])[]): Buffer {
  const body = Buffer.concat(
    notes.map(([name, type]) => {
      const note = Buffer.alloc(12 + Math.ceil((name.length + 1) / 4) * 4 + 8);
      note.writeUInt32LE(name.length + 1, 0);
      note.writeUInt32LE(8, 4);
      note.writeUInt32LE(type, 8);
      note.write(name, 12);
      return note;
    }),
  );
  const head = Buffer.alloc(64 + 56);
  head.write('\x7fELF\x02\x01', 'latin1');
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt32LE(4, 64);
  head.writeBigUInt64LE(BigInt(head.length), 72);
  head.writeBigUInt64LE(BigInt(body.length), 96);
  return Buffer.concat([head, body]);
}

function bzImage(payload: Buffer): Buffer {
  const setup = Buffer.alloc(512 * 3);
  setup[0x1f1] = 2;
  setup.write('HdrS', 0x202);
  setup.writeUInt16LE(0x20f, 0x206);
  setup.writeUInt32LE(64, 0x248);
  setup.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([setup, Buffer.alloc(64), payload, Buffer.from('behind')]);
}

function cpio(names: readonly string[]): Buffer {
  const entry = (name: string): Buffer => {
    const fields = [0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, name.length + 1, 0];
    if (name === 'TRAILER!!!') fields[6] = 0;
    const head = `070701${fields.map((n) => n.toString(16).padStart(8, '0')).join('')}${name}\0`;
    const padded = Buffer.alloc(Math.ceil(head.length / 4) * 4);
    padded.write(head);
    return Buffer.concat([padded, Buffer.alloc(fields[6] === 0 ? 0 : 8)]);
  };
  return Buffer.concat([...names, 'TRAILER!!!'].map(entry));
}

const PV = ['Xen', 1] as const;
const PVH = ['Xen', 18] as const;

describe('the notes of a kernel', () => {
  it.each([
    ['none', [], []],
    ['of others', [['GNU', 18]], []],
    ['that are no entries', [['Xen', 6]], []],
    ['PV', [['Xen', 6], PV], ['pv']],
    ['PVH behind others', [['Linux', 257], ['Xen', 5], PVH], ['pvh']],
    ['both', [PVH, PV], ['pv', 'pvh']],
  ] as const)('%s', (_, notes, expected) => {
    expect(xenEntries(inMemory(elf(notes)))).toEqual(expected);
  });

  it('are unknown where there is no ELF file, or half of one', () => {
    expect(xenEntries(inMemory(Buffer.from('MZ')))).toBeUndefined();
    expect(xenEntries(inMemory(elf([PV]).subarray(0, 100)))).toBeUndefined();
  });
});

describe('a bzImage', () => {
  it('holds its kernel compressed', () => {
    const { compression, payload } = kernelPayload(bzImage(gzipSync(elf([PV]))));
    expect(compression).toBe('gzip');
    expect(payload.equals(gzipSync(elf([PV])))).toBe(true);
  });

  it('has the size behind a payload that is no gzip', () => {
    const xz = Buffer.from('\xfd7zXZ\0----size', 'latin1');
    const { compression, payload } = kernelPayload(bzImage(xz));
    expect([compression, payload.toString('latin1')]).toEqual(['xz', '\xfd7zXZ\0----']);
  });
});

describe('the drivers of an initrd', () => {
  const unzip = async (_: string, input: Readable) => inMemory((await buffer(input)).subarray(4));
  const drivers = (bytes: Buffer) => driversIn(inMemory(bytes), unzip);
  const modules = cpio([
    'usr/lib/modules/6.1/kernel/drivers/block/xen-blkfront.ko',
    'usr/lib/modules/6.1/kernel/fs/ext4/ext4.ko.xz',
    'usr/bin/sh',
  ]);

  it('are in the archive behind the early one', async () => {
    const early = Buffer.concat([cpio(['kernel/x86/microcode.bin']), Buffer.alloc(512)]);
    const zstd = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), modules]);
    expect(await drivers(Buffer.concat([early, zstd]))).toEqual(['ext4', 'xen_blkfront']);
    expect(await drivers(modules)).toEqual(['ext4', 'xen_blkfront']);
  });

  it('are unknown where it holds itself for ever', async () => {
    const magic = inMemory(Buffer.from([0x1f, 0x8b, 8]));
    expect(await driversIn(magic, () => Promise.resolve(magic))).toBeUndefined();
  });

  it('are unknown where it cannot be read', async () => {
    expect(await drivers(Buffer.from('not an archive'))).toBeUndefined();
    expect(await drivers(modules.subarray(0, 200))).toBeUndefined();
  });
});

describe('bytes of a file', () => {
  it('are those of memory, wherever they are read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vsec-bytes-'));
    const content = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251));
    writeFileSync(join(folder, 'file'), content);
    const file = new FileBytes(openSync(join(folder, 'file'), 'r'));
    const memory = inMemory(content);
    try {
      expect(file.length).toBe(memory.length);
      for (const [start, count] of [
        ...[[0, 64] as const, [65_500, 100], [10, 5], [70_000, 100_000], [199_990, 64]],
        ...[[199_999, 1] as const, [200_000, 1], [300_000, 10], [1, 0], [2 ** 63, 8]],
      ])
        expect(file.read(start, count).equals(memory.read(start, count)), `${start}`).toBe(true);
      expect((await buffer(file.stream(150_000))).equals(content.subarray(150_000))).toBe(true);
      file.stream(0).destroy();
      expect(file.read(0, 4).equals(content.subarray(0, 4))).toBe(true);
    } finally {
      file.close();
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the facts', () => {
  let folder = '';
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vsec-facts-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const file = (name: string, content: Buffer | string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const facts = (files: { image: string; initrd: string; config?: string }) =>
    readKernelFacts(files, fakeToolbox(folder, {}), new AbortController().signal);

  it('are read from the files', async () => {
    const found = await facts({
      image: file('vmlinuz', bzImage(gzipSync(elf([PV, PVH])))),
      initrd: file('initrd', gzipSync(cpio(['lib/modules/x/virtio_blk.ko']))),
      config: file(
        'config',
        'CONFIG_XEN_PV=y\nCONFIG_XEN_BLKDEV_FRONTEND=m\n# CONFIG_XEN_PVH is not set\nCONFIG_USB=y\n',
      ),
    });
    expect(found).toEqual({
      compression: 'gzip',
      xen: ['pv', 'pvh'],
      config: { CONFIG_XEN_PV: 'y', CONFIG_XEN_BLKDEV_FRONTEND: 'm' },
      drivers: ['virtio_blk'],
    });
  });

  it('leave out what cannot be read', async () => {
    const files = { image: file('vmlinuz', 'MZ'), initrd: file('initrd', 'nothing') };
    expect(await facts(files)).toEqual({ compression: 'none' });
  });
});
