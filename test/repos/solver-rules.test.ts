/** What the solver chooses, rule by rule, in universes of a few packages. */
import { describe, expect, it } from 'vitest';
import { parseRelations } from '../../repos/deb/relation.ts';
import { solve } from '../../repos/solver/search.ts';
import type { DebUniverse } from '../../repos/deb/universe.ts';
import { toyUniverse, type ToySource } from '../support/toy-universe.ts';

interface Rule {
  readonly rule: string;
  readonly packages: string | readonly (string | ToySource)[];
  /** Relations, separated by commas, in the order in which they are asked for. */
  readonly ask: string;
  /** `name` or `name=version`, in any order; undefined: there is no solution. */
  readonly get?: string;
  readonly recommends?: boolean;
  readonly exclude?: readonly string[];
  /** Wrong choices that it takes at most. */
  readonly conflicts?: number;
}

function choose(universe: DebUniverse, rule: Rule): { names?: string; conflicts: number } {
  const requests = parseRelations(rule.ask).map(([relation]) => {
    const { name, qualifier, operator, version } = relation!;
    const relations = operator ? [{ operator, version: version! }] : [];
    const wanted = { name, relations, ...(qualifier && { architecture: qualifier }) };
    const candidates = universe.satisfying(wanted);
    return { candidates, verb: 'asks for', target: name };
  });
  const outcome = solve({
    size: universe.size,
    requests,
    forbidden: (rule.exclude ?? []).flatMap((name) => universe.versions(name)),
    constraints: (candidate) =>
      universe.constraints(candidate, { recommends: rule.recommends ?? false }),
  });
  if (outcome.kind !== 'solved') return { conflicts: outcome.conflicts };
  const wanted = new Set(rule.get?.split(' '));
  const names = outcome.chosen.map((candidate) => {
    const { name, version, architecture } = universe.info(candidate);
    const long = [`${name}:${architecture}`, `${name}=${version}`, name];
    return long.find((form) => wanted.has(form)) ?? `${name}=${version}`;
  });
  return { names: names.sort().join(' '), conflicts: outcome.conflicts };
}

const sorted = (names: string): string => names.split(' ').sort().join(' ');

function check(rules: readonly Rule[]): void {
  it.each(rules)('$rule', async (rule) => {
    const sources = typeof rule.packages === 'string' ? [rule.packages] : rule.packages;
    const found = choose(await toyUniverse(...sources), rule);
    expect(found.names).toBe(rule.get === undefined ? undefined : sorted(rule.get));
    expect(found.conflicts).toBeLessThanOrEqual(rule.conflicts ?? 0);
  });
}

describe('dependencies', () => {
  check([
    {
      rule: 'what is depended on comes in, and what that depends on',
      packages: `
        app; Depends: lib (>= 1), tool
        lib; Pre-Depends: base
        base
        tool
        other`,
      ask: 'app',
      get: 'app lib base tool',
    },
    {
      rule: 'packages that depend on each other come in together',
      packages: `
        a; Depends: b
        b; Depends: a`,
      ask: 'a',
      get: 'a b',
    },
    {
      rule: 'recommended packages stay out',
      packages: `
        a; Recommends: b
        b`,
      ask: 'a',
      get: 'a',
    },
    {
      rule: 'recommended packages come in when a layer says so',
      packages: `
        a; Recommends: b
        b; Recommends: c
        c`,
      ask: 'a',
      recommends: true,
      get: 'a b c',
    },
    {
      rule: 'a recommended package that cannot come in is passed over',
      packages: `
        a; Recommends: b, c, nowhere
        b; Depends: missing
        c`,
      ask: 'a',
      recommends: true,
      get: 'a c',
      conflicts: 1,
    },
    {
      rule: 'a missing dependency is a failure',
      packages: 'a; Depends: missing',
      ask: 'a',
    },
    {
      rule: 'a version that is not there is a failure',
      packages: `
        a; Depends: b (>= 2)
        b 1`,
      ask: 'a',
    },
  ]);
});

describe('alternatives', () => {
  check([
    {
      rule: 'the first alternative is chosen',
      packages: `
        a; Depends: b | c
        b
        c`,
      ask: 'a',
      get: 'a b',
    },
    {
      rule: 'an alternative that was asked for is enough',
      packages: `
        a; Depends: b | c
        b
        c`,
      ask: 'a, c',
      get: 'a c',
    },
    {
      rule: 'an alternative that came in before is enough',
      packages: `
        first; Depends: c
        second; Depends: b | c
        b
        c`,
      ask: 'first, second',
      get: 'first second c',
    },
    {
      rule: 'an alternative that comes in later does not change a choice made before',
      packages: `
        a; Depends: b | c, d
        b
        c
        d; Depends: c`,
      ask: 'a',
      get: 'a b c d',
    },
    {
      rule: 'the next alternative is chosen when the first has a missing dependency',
      packages: `
        a; Depends: b | c
        b; Depends: deep
        deep; Depends: missing
        c`,
      ask: 'a',
      get: 'a c',
      conflicts: 1,
    },
    {
      rule: 'an alternative in its best version comes before an older version of the first',
      packages: [
        { suite: 'old', packages: 'b 1' },
        `
        a; Depends: b (<< 2) | c
        b 2
        c`,
      ],
      ask: 'a',
      get: 'a c',
    },
  ]);
});

describe('virtual packages', () => {
  check([
    {
      rule: 'a package of the name itself comes before those that provide it',
      packages: `
        a; Depends: mta
        z; Provides: mta
        mta
        zz; Provides: mta`,
      ask: 'a',
      get: 'a mta',
    },
    {
      rule: 'an essential provider comes first',
      packages: `
        a; Depends: virtual
        b; Provides: virtual; Essential: yes
        c; Provides: virtual; Priority: required`,
      ask: 'a',
      get: 'a b',
    },
    {
      rule: 'a provider of higher priority comes first',
      packages: `
        a; Depends: virtual
        b; Provides: virtual; Priority: standard
        c; Provides: virtual; Priority: optional`,
      ask: 'a',
      get: 'a b',
    },
    {
      rule: 'of equal providers the one mentioned last comes first, as apt has it',
      packages: `
        a; Depends: virtual
        b; Provides: virtual
        c; Provides: virtual`,
      ask: 'a',
      get: 'a c',
    },
    {
      rule: 'a mention in another package counts',
      packages: `
        a; Depends: virtual; Suggests: c
        b; Provides: virtual
        c; Provides: virtual`,
      ask: 'a',
      get: 'a b',
    },
    {
      rule: 'an unversioned provide does not satisfy a versioned dependency',
      packages: `
        a; Depends: virtual (>= 1)
        b; Provides: virtual`,
      ask: 'a',
    },
    {
      rule: 'a versioned provide does',
      packages: `
        a; Depends: virtual (>= 2)
        b 9; Provides: virtual (= 1)
        c 1; Provides: virtual (= 2)`,
      ask: 'a',
      get: 'a c',
    },
    {
      rule: 'a provide that is malformed provides nothing, and harms nobody else',
      packages: `
        a; Depends: virtual
        b; Provides: virtual
        c; Provides: virtual (1)`,
      ask: 'a',
      get: 'a b',
    },
    {
      rule: 'a request can name a virtual package',
      packages: 'b; Provides: virtual',
      ask: 'virtual',
      get: 'b',
    },
  ]);
});

describe('conflicts and breaks', () => {
  check([
    {
      rule: 'conflicting requests are a failure',
      packages: `
        a; Conflicts: b
        b`,
      ask: 'a, b',
    },
    {
      rule: 'a conflict leads to the other alternative',
      packages: `
        a; Depends: b | c
        x; Conflicts: b
        b
        c`,
      ask: 'a, x',
      get: 'a c x',
      conflicts: 1,
    },
    {
      rule: 'a conflict with what one provides oneself does not count',
      packages: 'a; Provides: mta; Conflicts: mta',
      ask: 'a',
      get: 'a',
    },
    {
      rule: 'a conflict with a virtual package is one with every other provider',
      packages: `
        a; Provides: mta; Conflicts: mta
        b; Provides: mta`,
      ask: 'a, b',
    },
    {
      rule: 'a versioned conflict does not concern unversioned provides',
      packages: `
        a; Conflicts: virtual (<< 2)
        b; Provides: virtual`,
      ask: 'a, b',
      get: 'a b',
    },
    {
      rule: 'a broken version is passed over for an older one that is not broken',
      packages: [
        { suite: 'old', packages: 'b 1' },
        `
        a; Breaks: b (>= 2)
        b 2`,
      ],
      ask: 'a, b',
      get: 'a b=1',
      conflicts: 1,
    },
    {
      rule: 'a choice is taken back when a later dependency rules it out',
      packages: `
        a; Depends: b | c, d
        b
        c
        d; Depends: e
        e; Conflicts: b`,
      ask: 'a',
      get: 'a c d e',
      conflicts: 1,
    },
    {
      rule: 'choices far apart are taken back together',
      packages: `
        a; Depends: p1 | p2, q1 | q2, r
        p1; Depends: x1
        p2; Depends: x2
        q1; Depends: y1
        q2; Depends: y2
        x1
        x2
        y1; Breaks: x1
        y2
        r; Conflicts: y2`,
      ask: 'a',
      get: 'a p2 q1 r x2 y1',
      conflicts: 3,
    },
  ]);
});

describe('versions, suites and priorities', () => {
  check([
    {
      rule: 'the newest version is chosen, wherever it stands',
      packages: ['a 1.10', 'a 1.9'],
      ask: 'a',
      get: 'a=1.10',
    },
    {
      rule: 'a higher priority wins over a newer version',
      packages: [{ packages: 'a 2' }, { priority: 600, packages: 'a 1' }],
      ask: 'a',
      get: 'a=1',
    },
    {
      rule: 'a negative priority is never chosen',
      packages: [{ priority: -1, packages: 'a 2' }, 'a 1'],
      ask: 'a',
      get: 'a=1',
    },
    {
      rule: 'a request can bound the version',
      packages: ['a 2', 'a 1'],
      ask: 'a (<< 2)',
      get: 'a=1',
    },
    {
      rule: 'a dependency can bring in another version than the best',
      packages: [
        'b 1',
        `
        a; Depends: b (= 1)
        b 2`,
      ],
      ask: 'a',
      get: 'a b=1',
    },
    {
      rule: 'two versions of one package never come in together',
      packages: [
        'b 1',
        `
        a; Depends: b (= 1)
        b 2`,
      ],
      ask: 'a, b (= 2)',
    },
    {
      rule: 'an older version is chosen when the newest cannot be installed',
      packages: ['a 1', 'a 2; Depends: missing'],
      ask: 'a',
      get: 'a=1',
      conflicts: 1,
    },
    {
      rule: 'an excluded package gives way to the alternative',
      packages: `
        a; Depends: b | c
        b
        c`,
      ask: 'a',
      exclude: ['b'],
      get: 'a c',
    },
    {
      rule: 'an excluded package that is needed is a failure',
      packages: `
        a; Depends: b
        b`,
      ask: 'a',
      exclude: ['b'],
    },
  ]);
});

describe('multi-arch', () => {
  const two = (packages: string): string => packages;
  check([
    {
      rule: 'a dependency is satisfied in the architecture of its package',
      packages: two(`
        a 1 i386; Depends: lib
        lib 1 amd64
        lib 1 i386; Multi-Arch: no`),
      ask: 'a:i386',
      get: 'a lib:i386',
    },
    {
      rule: 'a foreign package satisfies dependencies of every architecture',
      packages: `
        a 1 i386; Depends: tool
        tool 1 amd64; Multi-Arch: foreign`,
      ask: 'a:i386',
      get: 'a tool:amd64',
    },
    {
      rule: 'a package that is not foreign does not',
      packages: `
        a 1 i386; Depends: tool
        tool 1 amd64`,
      ask: 'a:i386',
    },
    {
      rule: 'an allowed package satisfies dependencies that say :any',
      packages: `
        a 1 i386; Depends: python:any
        python 1 amd64; Multi-Arch: allowed`,
      ask: 'a:i386',
      get: 'a python:amd64',
    },
    {
      rule: 'only an allowed package satisfies dependencies that say :any',
      packages: `
        a 1 i386; Depends: python:any
        python 1 amd64`,
      ask: 'a:i386',
    },
    {
      rule: 'a package that is the same can be there in two architectures',
      packages: `
        lib 1 amd64; Multi-Arch: same
        lib 1 i386; Multi-Arch: same`,
      ask: 'lib, lib:i386',
      get: 'lib:amd64 lib:i386',
    },
    {
      rule: 'but not in two versions',
      packages: `
        lib 2 amd64; Multi-Arch: same
        lib 1 i386; Multi-Arch: same`,
      ask: 'lib, lib:i386',
    },
    {
      rule: 'and any other package in one architecture only',
      packages: `
        tool 1 amd64
        tool 1 i386`,
      ask: 'tool, tool:i386',
    },
    {
      rule: 'a package for all architectures is one of the native architecture',
      packages: `
        a 1 all; Depends: lib
        lib 1 i386
        lib 1 amd64`,
      ask: 'a',
      get: 'a lib:amd64',
    },
    {
      rule: 'a dependency can name its architecture',
      packages: `
        a 1 amd64; Depends: lib:i386
        lib 1 i386
        lib 1 amd64`,
      ask: 'a',
      get: 'a lib:i386',
    },
    {
      rule: 'a conflict concerns every architecture',
      packages: `
        a 1 amd64; Conflicts: lib
        lib 1 i386`,
      ask: 'a, lib:i386',
    },
  ]);
});
