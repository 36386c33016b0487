/** Relation fields as packages write them. */
import { describe, expect, it } from 'vitest';
import { admits, formatAlternatives, parseRelations } from '../../repos/deb/relation.ts';

const parsed: readonly (readonly [field: string, written: string])[] = [
  ['libc6', 'libc6'],
  ['libc6 (>= 2.36), zlib1g', 'libc6 (>= 2.36), zlib1g'],
  ['a|b   |c(=1)', 'a | b | c (= 1)'],
  ['python3:any(>=3.11~)', 'python3:any (>= 3.11~)'],
  ['gcc (>= 4:12.2.0-3), g++:native', 'gcc (>= 4:12.2.0-3), g++:native'],
  ['old (< 1), older (> 1)', 'old (<= 1), older (>= 1)'],
  ['trailing,', 'trailing'],
  ['', ''],
];

const malformed = ['a b', 'a (1)', 'a (>= )', 'a (>= 1', '(>= 1)', 'a | | b', 'a (!= 1)'];

describe('parseRelations', () => {
  it.each(parsed)('%j', (field, written) => {
    expect(parseRelations(field).map(formatAlternatives).join(', ')).toBe(written);
  });

  it.each(malformed)('refuses %j', (field) => {
    expect(() => parseRelations(field)).toThrow('malformed relation');
  });
});

describe('admits', () => {
  const cases: readonly (readonly [relation: string, version: string | undefined, yes: boolean])[] =
    [
      ['a', undefined, true],
      ['a', '1', true],
      ['a (>= 1)', undefined, false],
      ['a (>= 1.10)', '1.9', false],
      ['a (>> 1)', '1', false],
      ['a (<< 1)', '1~rc1', true],
      ['a (= 1)', '0:1', true],
      ['a (<= 1)', '1:0', false],
    ];

  it.each(cases)('%s of version %s: %s', (relation, version, yes) => {
    expect(admits(parseRelations(relation)[0]![0]!, version)).toBe(yes);
  });
});
