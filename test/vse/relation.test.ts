import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions } from '../../vse/deb-version.ts';
import { compatible, readRequest } from '../../vse/relation.ts';
import type { Relation } from '../../vse/relation.ts';

describe('readRequest', () => {
  it.each([
    ['gcc', { name: 'gcc' }],
    ['  gcc  ', { name: 'gcc' }],
    ['g++', { name: 'g++' }],
    ['gcc (>= 12)', { name: 'gcc', relation: { operator: '>=', version: '12' } }],
    ['gcc(=4:12.2.0-3)', { name: 'gcc', relation: { operator: '=', version: '4:12.2.0-3' } }],
    [
      'libc6:i386 ( << 2~ )',
      { name: 'libc6', architecture: 'i386', relation: { operator: '<<', version: '2~' } },
    ],
  ])('reads %j', (text, value) => {
    expect(readRequest(text)).toEqual({ value });
  });

  it('gives a value or a problem for any text, quickly', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        const read = readRequest(text);
        expect('value' in read || 'problem' in read).toBe(true);
      }),
    );
    for (const hostile of [
      `a${' '.repeat(100_000)}(`,
      `${'a'.repeat(100_000)}>`,
      '('.repeat(100_000),
    ]) {
      const started = performance.now();
      readRequest(hostile);
      expect(performance.now() - started).toBeLessThan(1000);
    }
  });
});

describe('compatible', () => {
  // Every version that could make a difference: those named, and one between each two.
  const versions = ['1', '2', '3'];
  const witnesses = ['0', '1', '1.5', '2', '2.5', '3', '4'];
  const relation: fc.Arbitrary<Relation> = fc.record({
    operator: fc.constantFrom(
      '<<' as const,
      '<=' as const,
      '=' as const,
      '>=' as const,
      '>>' as const,
    ),
    version: fc.constantFrom(...versions),
  });
  const holds = (version: string, { operator, version: bound }: Relation): boolean => {
    const order = compareVersions(version, bound);
    if (operator === '=') return order === 0;
    if (order === 0) return operator === '<=' || operator === '>=';
    return operator.startsWith('<') ? order < 0 : order > 0;
  };

  it('says whether a version exists that satisfies both', () => {
    fc.assert(
      fc.property(relation, relation, (a, b) => {
        expect(compatible(a, b)).toBe(witnesses.some((v) => holds(v, a) && holds(v, b)));
      }),
    );
  });
});
