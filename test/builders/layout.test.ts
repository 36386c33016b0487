/** Where things are on the disk. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SECTOR, automaticRootSize, layoutFor, rootSizeOn } from '../../builders/image/layout.ts';

const MIB = 1 << 20;
const GIB = 1 << 30;

describe('layoutFor', () => {
  test('partitions are aligned, in order, apart, and leave room for both tables', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 * 1024 }), (mib) => {
        const { size, bios, esp, root } = layoutFor(mib * MIB - 1);
        let end = 34 * SECTOR;
        for (const part of [bios, esp, root]) {
          expect(part.offset % MIB).toBe(0);
          expect(part.size % MIB).toBe(0);
          expect(part.offset).toBeGreaterThanOrEqual(end);
          end = part.offset + part.size;
        }
        expect(size - end).toBeGreaterThanOrEqual(33 * SECTOR);
        expect(root.size).toBeGreaterThanOrEqual(mib * MIB - 1);
      }),
    );
  });

  test('the root is the last on the disk, so that it can grow', () => {
    const { bios, esp, root } = layoutFor(GIB);
    expect(root.offset).toBeGreaterThan(Math.max(bios.offset, esp.offset));
    expect(root.number).toBe(1);
  });

  test('the ESP is large enough for FAT32 with 512-byte clusters (65525 of them)', () => {
    const { esp } = layoutFor(GIB);
    const clusters = esp.size / SECTOR - 32 - 2 * Math.ceil(((esp.size / SECTOR) * 4) / SECTOR);
    expect(clusters).toBeGreaterThan(65525);
  });
});

describe('sizes', () => {
  test('a disk of the size asked for has exactly that size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 64, max: 1 << 20 }), (mib) => {
        expect(layoutFor(rootSizeOn(mib * MIB)).size).toBe(mib * MIB);
      }),
    );
  });

  test('a size that is no whole number of MiB is rounded down, never up', () => {
    expect(layoutFor(rootSizeOn(GIB + 12345)).size).toBe(GIB);
  });

  test('automatic: room for the content, more content never less room', () => {
    const bytes = fc.integer({ min: 0, max: 50 * GIB });
    const entries = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(bytes, bytes, entries, (a, b, n) => {
        expect(automaticRootSize(a, n)).toBeGreaterThan(a * 1.1 + 128 * MIB);
        if (a <= b) expect(automaticRootSize(a, n)).toBeLessThanOrEqual(automaticRootSize(b, n));
        expect(automaticRootSize(a, n) % MIB).toBe(0);
      }),
    );
  });
});
