import { expect, test } from 'vitest';
import { memoryFor } from '../../builders/sandbox/memory.ts';

const GIB = 2 ** 30;

test('a tree is made in memory where a quarter of what is free holds it with room to spare', () => {
  expect(memoryFor(GIB, {}, 16 * GIB)).toBe(8 * GIB);
  expect(memoryFor(GIB, {}, 6 * GIB)).toBeUndefined();
  expect(memoryFor(4 * GIB, {}, 24 * GIB)).toBeUndefined();
});

test('VSEC_TREE=disk keeps it on disk', () => {
  expect(memoryFor(GIB, { VSEC_TREE: 'disk' }, 64 * GIB)).toBeUndefined();
});
