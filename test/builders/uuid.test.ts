/** Identifiers that follow from what they name. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { derivedUuid } from '../../builders/image/uuid.ts';

test('a known value, computed by hand from RFC 9562 and sha256sum', () => {
  // printf 'sha256:00\0root' | sha256sum → the first 16 bytes, version 8, variant 10.
  expect(derivedUuid('sha256:00', 'root')).toBe('584eeb3d-9568-80e6-a2de-3d7f900474b8');
});

test('every one is a valid version 8 UUID, and other words give another', () => {
  const words = fc.array(fc.string({ maxLength: 8 }).filter((w) => !w.includes('\0')));
  fc.assert(
    fc.property(words, words, (a, b) => {
      const form = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
      expect(derivedUuid(...a)).toMatch(form);
      if (a.join('\0') !== b.join('\0')) expect(derivedUuid(...a)).not.toBe(derivedUuid(...b));
    }),
  );
});
