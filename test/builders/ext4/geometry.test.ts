/** Where the parts of a file system are: for any size, none is upon another. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BLOCK,
  geometryFor,
  GROUP_BLOCKS,
  holdsSuper,
} from '../../../builders/image/ext4/geometry.ts';
import { Space } from '../../../builders/image/ext4/space.ts';

const GIB = 2 ** 30;
const sizes = fc.oneof(
  fc.integer({ min: 16 << 20, max: GIB }),
  fc.integer({ min: GIB, max: 4096 * GIB }),
);

describe('geometryFor', () => {
  it('lets no part lie upon another, and none past the end', () => {
    fc.assert(
      fc.property(sizes, fc.nat(100_000), (size, inodes) => {
        const geometry = geometryFor(size, inodes);
        expect(geometry.blocks * BLOCK).toBeLessThanOrEqual(size);
        let end = 0;
        for (const { start, count } of geometry.fixed) {
          expect(start).toBeGreaterThanOrEqual(end);
          end = start + count;
        }
        expect(end).toBeLessThanOrEqual(geometry.blocks);
        const most = geometry.groups.length * GROUP_BLOCKS;
        const all = geometry.inodesPerGroup * geometry.groups.length;
        expect(all).toBeGreaterThanOrEqual(Math.min(most, inodes + 10));
        expect(geometry.inodesPerGroup).toBeLessThanOrEqual(GROUP_BLOCKS);
        expect(geometry.inodesPerGroup % 8).toBe(0);
      }),
      { numRuns: 80 },
    );
  });

  it('leaves a last group away that would hold nothing', () => {
    const bytes = GROUP_BLOCKS * BLOCK;
    expect(geometryFor(bytes + 40 * BLOCK, 10).blocks).toBe(GROUP_BLOCKS);
    expect(geometryFor(bytes + 4000 * BLOCK, 10).blocks).toBe(GROUP_BLOCKS + 4000);
  });

  it('copies the superblock where readers look for it', () => {
    const found = Array.from({ length: 350 }, (_, at) => at).filter(holdsSuper);
    expect(found).toEqual([0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125, 243, 343]);
  });
});

describe('Space', () => {
  it('hands out every block once, and none that is taken', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 40 }), (wants) => {
        const geometry = geometryFor(GIB, 1000);
        const space = new Space(geometry);
        const seen = new Set<number>();
        for (const { start, count } of geometry.fixed)
          for (let at = start; at < start + count; at++) seen.add(at);
        const fixed = seen.size;
        let given = 0;
        for (const want of wants) {
          const ranges = space.take(want);
          if (!ranges) break;
          given += want;
          for (const { start, count } of ranges)
            for (let at = start; at < start + count; at++) {
              expect(at < geometry.blocks && !seen.has(at)).toBe(true);
              seen.add(at);
            }
        }
        expect(seen.size).toBe(fixed + given);
      }),
      { numRuns: 6 },
    );
  });
});
