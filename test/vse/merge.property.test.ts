/** The verbs against a model of language.md that is small enough to be seen to be right. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { folder, load } from './support.ts';
import type { Outcome } from './support.ts';

const KEYS = ['aa', 'bb', 'cc', 'dd'];
type Values = Readonly<Record<string, string>>;

interface Sketch {
  readonly remove: readonly string[];
  readonly override: Values;
  readonly add: Values;
  readonly protect: readonly string[];
}

const values = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom('one', 'two'), {
  maxKeys: 3,
});
const names = fc.uniqueArray(fc.constantFrom(...KEYS), { maxLength: 2 });
const sketch: fc.Arbitrary<Sketch> = fc.record({
  remove: names,
  override: values,
  add: values,
  protect: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: names }),
});

/** What language.md says of one open mapping, `kernel.cmdline`. */
function model(layers: readonly Sketch[]): { state: Values; codes: string[] } {
  const state = new Map<string, string>();
  const guarded = new Set<string>();
  const codes: string[] = [];
  for (const layer of layers) {
    for (const key of layer.remove)
      if (guarded.has(key)) codes.push('VSE053');
      else if (!state.delete(key)) codes.push('VSE052');
    for (const [key, value] of Object.entries(layer.override))
      if (guarded.has(key)) codes.push('VSE053');
      else if (!state.has(key)) codes.push('VSE051');
      else state.set(key, value);
    for (const [key, value] of Object.entries(layer.add))
      if (state.get(key) === value) continue;
      else if (guarded.has(key)) codes.push('VSE053');
      else if (state.has(key)) codes.push('VSE050');
      else state.set(key, value);
    for (const key of layer.protect) guarded.add(key);
  }
  return { state: Object.fromEntries([...state].sort()), codes: codes.sort() };
}

/** Blocks in any order of the text: the order of effect is fixed. */
function text(name: string, lower: string, { remove, override, add, protect }: Sketch): string {
  const block = (inner: unknown): unknown => ({ kernel: { cmdline: inner } });
  return JSON.stringify(
    {
      add: block(add),
      protect: block(protect),
      override: block(override),
      remove: block(remove),
      extends: lower,
      name,
      vse: 1,
    },
    null,
    1,
  );
}

const VENDOR = `vse: 1
name: vendor
add:
  distribution: {id: debian, release: bookworm, architecture: amd64}
  repositories: {main: {mirror: debian, suites: [a], signed-by: [./key.asc]}}
`;

function stack(layers: readonly Sketch[]): Record<string, string> {
  const files: Record<string, string> = { 'l0.yaml': VENDOR };
  layers.forEach((layer, i) => {
    files[`l${i + 1}.yaml`] = text(`l${i + 1}`, `./l${i}.yaml`, layer);
  });
  return files;
}

const loadStack = (layers: readonly Sketch[]): Promise<Outcome> =>
  load(stack(layers), `l${layers.length}.yaml`);

describe('the verbs', () => {
  it('do what the model says, error for error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sketch, { minLength: 1, maxLength: 4 }), async (layers) => {
        const expected = model(layers);
        const { vse, codes } = await loadStack(layers);
        expect([...codes].sort()).toEqual(expected.codes);
        if (codes.length === 0) expect(vse!.config.kernel.cmdline).toEqual(expected.state);
      }),
      { numRuns: 150 },
    );
  });

  it('give every value an origin that points at it', async () => {
    // Layers made so that they fit: what is there is overridden, what is not is added.
    const fitting = fc.array(values, { minLength: 1, maxLength: 4 }).map((wishes) => {
      const there = new Set<string>();
      return wishes.map((wish): Sketch => {
        const entries = Object.entries(wish);
        const override = Object.fromEntries(entries.filter(([key]) => there.has(key)));
        const add = Object.fromEntries(entries.filter(([key]) => !there.has(key)));
        for (const key of Object.keys(wish)) there.add(key);
        return { remove: [], override, add, protect: [] };
      });
    });
    await fc.assert(
      fc.asyncProperty(fitting, async (layers) => {
        const cwd = folder(stack(layers));
        const { vse } = await load({}, `l${layers.length}.yaml`, { cwd });
        for (const [key, value] of Object.entries(vse!.config.kernel.cmdline)) {
          const origins = vse!.origins.get(`kernel.cmdline.${key}`)!;
          const { span, verb } = origins.at(-1)!;
          const line = readFileSync(join(cwd, span.file), 'utf8').split('\n')[span.line - 1]!;
          expect(span.text).toBe(line);
          expect(line.slice(span.column - 1, span.endColumn! - 1)).toBe(JSON.stringify(value));
          expect(verb).toBe(origins.length === 1 ? 'add' : 'override');
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keep both places of an equal add', async () => {
    await fc.assert(
      fc.asyncProperty(values, async (add) => {
        const layer = { remove: [], override: {}, add, protect: [] };
        const once = await loadStack([layer]);
        const twice = await loadStack([layer, layer]);
        expect(twice.vse!.config.kernel).toEqual(once.vse!.config.kernel);
        for (const key of Object.keys(add)) {
          const origins = twice.vse!.origins.get(`kernel.cmdline.${key}`)!;
          expect(origins.map((o) => o.layer)).toEqual(['l1', 'l2']);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('linking', () => {
  it('applies every document once, at its first place', async () => {
    // Layer i extends any of those before it, in any order.
    const graph = fc
      .integer({ min: 2, max: 7 })
      .chain((size) =>
        fc.tuple(
          ...Array.from({ length: size }, (_, i) =>
            i === 0 ? fc.constant([]) : fc.shuffledSubarray([...Array(i).keys()], { minLength: 1 }),
          ),
        ),
      );
    await fc.assert(
      fc.asyncProperty(graph, async (edges) => {
        const files: Record<string, string> = {};
        edges.forEach((lower, i) => {
          const head = i === 0 ? VENDOR.replace('vendor', 'l0') : `vse: 1\nname: l${i}\nadd:\n`;
          const own = `  kernel: {cmdline: {k${i}: x}}\n`;
          files[`l${i}.yaml`] =
            `${head}${own}extends: [${lower.map((j) => `./l${j}.yaml`).join(', ')}]\n`;
        });
        const order: string[] = [];
        const visit = (i: number): void => {
          if (order.includes(`l${i}`)) return;
          edges[i]!.forEach(visit);
          order.push(`l${i}`);
        };
        visit(edges.length - 1);
        const { vse } = await load(files, `l${edges.length - 1}.yaml`);
        expect(vse!.layers.map((l) => l.name)).toEqual(order);
        for (const name of order)
          expect(vse!.origins.get(`kernel.cmdline.k${name.slice(1)}`)).toHaveLength(1);
      }),
      { numRuns: 60 },
    );
  });
});
