import { expect, it } from 'vitest';
import {
  formatBytes,
  formatSeconds,
  parseDuration,
  parseSize,
  plural,
  printable,
} from '../../cli/format.ts';

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [139_400_000, '139 MB'],
  [999_600, '1.00 MB'],
  [12_340_000_000, '12.3 GB'],
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

it.each([
  [0.04, '0.0 s'],
  [9.96, '10 s'],
  [59.6, '1 min 00 s'],
  [185, '3 min 05 s'],
  [7800, '2 h 10 min'],
])('%d seconds are %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

it.each([
  ['512', 512],
  ['1.5 GB', 1_500_000_000],
  ['2GiB', 2 ** 31],
  ['4G', 2 ** 32],
  ['2 things', undefined],
  ['constructor', undefined],
  ['1constructor', undefined],
])('size %s is %s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

it.each([
  ['90', 90],
  ['5m', 300],
  ['30d', 2_592_000],
  ['soon', undefined],
])('duration %s is %s', (text, seconds) => expect(parseDuration(text)).toBe(seconds));

it('counts things', () => {
  expect([plural(1, 'package'), plural(2, 'package'), plural(0, 'entry', 'entries')]).toEqual([
    '1 package',
    '2 packages',
    '0 entries',
  ]);
});

it('makes control characters visible, so that no name drives the terminal', () => {
  expect(printable('a\u001b[2Jb\u202ec\td')).toBe('a\\u001b[2Jb\\u202ec\td');
});
