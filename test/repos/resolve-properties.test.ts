/** Random universes of Debian packages: what holds of every resolution. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { resolve, type Resolution } from '../../repos/resolve.ts';
import type { Universe } from '../../repos/universe.ts';
import { VsecError } from '../../vse/diagnostic.ts';
import type { PackageRequest, Vse } from '../../vse/types.ts';
import { toyUniverse } from '../support/toy-universe.ts';
import { merged, top } from '../vse/support.ts';

const NAMES = ['aa', 'bb', 'cc', 'dd', 'ee', 'ff', 'gg', 'hh'];
const LAYERS = 3;

const name = fc.constantFrom(...NAMES);
const relation = fc.oneof(
  { weight: 4, arbitrary: name },
  name.map((one) => `${one} (>= 2)`),
  name.map((one) => `${one} (<< 2)`),
  fc.constantFrom('virtual', 'virtual (= 1)'),
);
const alternatives = fc
  .uniqueArray(relation, { minLength: 1, maxLength: 3 })
  .map((list) => list.join(' | '));

const packageLine = (of: string): fc.Arbitrary<string> =>
  fc
    .record({
      version: fc.constantFrom('1', '2', '3'),
      depends: fc.array(alternatives, { maxLength: 2 }),
      conflicts: fc.array(relation, { maxLength: 1 }),
      provides: fc.constantFrom('', '', '', 'virtual', 'virtual (= 1)'),
      essential: fc.integer({ min: 0, max: 9 }).map((often) => often === 0),
    })
    .map(({ version, depends, conflicts, provides, essential }) =>
      [
        `${of} ${version}`,
        ...(depends.length > 0 ? [`Depends: ${depends.join(', ')}`] : []),
        ...(conflicts.length > 0 ? [`Conflicts: ${conflicts.join(', ')}`] : []),
        ...(provides === '' ? [] : [`Provides: ${provides}`]),
        ...(essential ? ['Essential: yes'] : []),
      ].join('; '),
    );

const universeText = fc
  .tuple(...NAMES.flatMap((of) => [packageLine(of), fc.option(packageLine(of), { nil: '' })]))
  .map((lines) => lines.join('\n'));

const asked = fc.uniqueArray(fc.record({ name, layer: fc.nat(LAYERS - 1) }), {
  minLength: 1,
  maxLength: 4,
  selector: (request) => request.name,
});

let plain: Vse;

beforeAll(async () => {
  plain = await merged({ 'top.yaml': top('') });
});

function asking(requests: readonly { name: string; layer: number }[]): Vse {
  const packages: PackageRequest[] = requests.map((request) => {
    const span = { file: 'top.yaml', line: 1, column: 1 };
    const origins = [{ layer: `layer${request.layer}`, verb: 'add' as const, span }];
    return { ...request, relations: [], origins };
  });
  const layers = Array.from({ length: LAYERS }, (_, layer) => ({
    ...plain.layers[0]!,
    name: `layer${layer}`,
  }));
  return { ...plain, layers, packages };
}

function attempt(vse: Vse, universe: Universe): Resolution | undefined {
  try {
    return resolve(vse, universe, { essential: true });
  } catch (error) {
    if (error instanceof VsecError) return undefined;
    throw error;
  }
}

/** Holds `check` against every resolution of random descriptions in random universes. */
const always = (check: (found: Resolution, universe: Universe, vse: Vse) => void) => () =>
  fc.assert(
    fc.asyncProperty(universeText, asked, async (text, requests) => {
      const universe = await toyUniverse(text);
      const vse = asking(requests);
      const found = attempt(vse, universe);
      if (found) check(found, universe, vse);
    }),
    { numRuns: 200, seed: 4711 },
  );

describe('every resolution', () => {
  it(
    'is closed and free of conflicts, and each stage needs only what is in it and below',
    always(({ packages }, universe) => {
      for (const owner of packages) {
        const below = packages.filter(({ stage }) => stage <= owner.stage);
        const present = new Set(below.map(({ candidate }) => candidate));
        const all = new Set(packages.map(({ candidate }) => candidate));
        const { requirements, conflicts } = universe.constraints(owner.candidate, {
          recommends: false,
        });
        for (const { candidates } of requirements)
          expect(candidates.some((candidate) => present.has(candidate))).toBe(true);
        for (const { candidates } of conflicts)
          expect(candidates.some((candidate) => all.has(candidate))).toBe(false);
      }
    }),
  );

  it(
    'has each package once, with a path that begins with what was asked for or is essential',
    always(({ packages }, universe, vse) => {
      const names = packages.map((found) => found.name);
      expect(new Set(names).size).toBe(names.length);
      const roots = new Set(vse.packages.map((request) => request.name));
      for (const candidate of universe.essential()) roots.add(universe.info(candidate).name);
      for (const { path, name: own } of packages) {
        expect(roots).toContain(path[0]);
        expect(path.at(-1)).toBe(own);
      }
    }),
  );

  it(
    'has what is essential in its lowest stage, and what is asked for no higher than who asks',
    always(({ packages }, universe, vse) => {
      const essential = universe.essential().map((candidate) => universe.info(candidate).name);
      for (const own of essential)
        expect(packages.find((found) => found.name === own)!.stage).toBe(0);
      for (const { name: own, layer } of vse.packages)
        expect(packages.find((found) => found.name === own)!.stage).toBeLessThanOrEqual(layer);
    }),
  );
});
