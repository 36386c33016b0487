import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, versionProblem } from '../../vse/deb-version.ts';

const sign = (n: number): number => Math.sign(n);

/** Short strings over few characters meet each other's special cases often. */
const part = (characters: string): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...characters), maxLength: 5 });
const version = fc
  .tuple(
    fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined, freq: 2 }),
    fc.constantFrom('0', '1', '10', '007'),
    part('019aZ.+~-:'),
    fc.option(part('019aZ.+~'), { nil: undefined }),
  )
  .map(([epoch, digits, upstream, revision]) => {
    // A colon in the version itself needs an epoch, a dash a revision.
    const body = epoch === undefined ? upstream.replaceAll(':', '.') : upstream;
    const tail = revision === undefined || revision === '' ? '' : `-${revision}`;
    const main = tail === '' ? body.replaceAll('-', '+') : body;
    return `${epoch === undefined ? '' : `${epoch}:`}${digits}${main}${tail}`;
  });

/** -1, 0 or 1 for every pair, as dpkg itself says. */
function dpkgOrder(pairs: readonly (readonly [string, string])[]): number[] {
  const script = `while read a b; do
    if dpkg --compare-versions "$a" lt "$b"; then echo -1
    elif dpkg --compare-versions "$a" eq "$b"; then echo 0
    else echo 1; fi; done`;
  const input = pairs.map((pair) => `${pair.join(' ')}\n`).join('');
  return execFileSync('sh', ['-c', script], { input, encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number);
}

const hasDpkg = spawnSync('dpkg', ['--version']).status === 0;

describe('compareVersions', () => {
  it.each([
    ['1.0', '1.0', 0],
    ['1.0', '1.0-0', 0],
    ['0:1', '1', 0],
    ['1.00', '1.0', 0],
    ['1.0~rc1', '1.0', -1],
    ['1.0~~', '1.0~', -1],
    ['1.0~', '1.0~~a', 1],
    ['1.0a', '1.0+', -1],
    ['1:0', '9', 1],
    ['1.2', '1.10', -1],
    ['2.36-9+deb12u9', '2.36-9+deb12u10', -1],
    ['12345678901234567890123', '12345678901234567890124', -1],
    ['1.0-1', '1.0-1~bpo12+1', 1],
  ])('%s against %s', (a, b, expected) => {
    expect(sign(compareVersions(a, b))).toBe(expected);
    expect(sign(compareVersions(b, a))).toBe(0 - expected);
  });

  it.skipIf(!hasDpkg)('is dpkg’s order', () => {
    const alike = fc.tuple(
      fc.constantFrom('0', '00', '0:0', '1', '01'),
      fc.constantFrom('', '.0', '.00', '~', '+', 'a'),
      fc.constantFrom('', '-0', '-00', '-0~'),
    );
    const near = alike.map((parts) => parts.join(''));
    const pairs = [
      ...fc.sample(fc.tuple(version, version), 300),
      ...fc.sample(fc.tuple(near, near), 200),
    ];
    const ours = pairs.map(([a, b]) => sign(compareVersions(a, b)));
    const theirs = dpkgOrder(pairs);
    const differ = pairs.filter((_, i) => ours[i] !== theirs[i]);
    expect(differ).toEqual([]);
    expect(new Set(theirs)).toEqual(new Set([-1, 0, 1]));
  });

  it('is an order', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(sign(compareVersions(a, b))).toBe(0 - sign(compareVersions(b, a)));
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('versionProblem', () => {
  it('accepts what is one', () => {
    fc.assert(
      fc.property(version, (text) => {
        expect(versionProblem(text)).toBeUndefined();
      }),
    );
  });

  it.each(['', 'x', 'a:1', ':1', '1-', '1_2', '1 2', '1-a_b', '1\n'])('refuses %j', (text) => {
    expect(versionProblem(text)).toMatch(/./);
  });

  it.skipIf(!hasDpkg)('refuses nothing that dpkg accepts, and the other way', () => {
    const loose = fc.string({
      unit: fc.constantFrom(...'01ab.+~-:_ '),
      minLength: 1,
      maxLength: 5,
    });
    for (const text of fc.sample(loose, 150)) {
      if (text !== text.trim()) continue;
      const { stderr } = spawnSync('dpkg', ['--compare-versions', text, 'eq', '1'], {
        encoding: 'utf8',
      });
      expect([text, versionProblem(text) === undefined]).toEqual([text, stderr === '']);
    }
  });
});
