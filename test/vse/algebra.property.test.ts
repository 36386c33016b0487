/**
 * What holds of every stack of layers. More of them:
 *
 *     VSEC_STACKS=10000 npx vitest run test/vse/algebra.property.test.ts
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { showVse } from '../../vse/show.ts';
import type { TracedVse } from '../../vse/types.ts';
import {
  filesOf,
  isElement,
  layerText,
  SLOTS,
  stacks,
  type Line,
  type Stack,
} from './support-stacks.ts';
import { folder, load, type Files } from './support.ts';

const STACKS = Number(process.env['VSEC_STACKS'] ?? 20);
/** Generous: also ten thousand, on a slow machine. */
const TIMEOUT = 60_000 + STACKS * 200;

const forEvery = (property: (stack: Stack) => Promise<void>): Promise<void> =>
  fc.assert(fc.asyncProperty(stacks, property), { numRuns: STACKS });

const topOf = ({ layers }: Stack): string => `l${layers.length}.yaml`;

async function mergedIn(cwd: string, target: string): Promise<TracedVse> {
  const { vse, diagnostics } = await load({}, target, { cwd });
  expect(diagnostics).toEqual([]);
  return vse!;
}

/** A stack, with a layer on top of it. */
const withLayer = (stack: Stack, lines: readonly Line[]): Files => ({
  ...filesOf(stack),
  'top.yaml': layerText('top', [`./${topOf(stack)}`], lines),
});

const held = (vse: TracedVse, path: readonly string[]) =>
  vse.held.find((one) => one.path.join('\0') === path.join('\0'));

describe('every stack', { timeout: TIMEOUT }, () => {
  it('gives what its verbs say, and each value an origin in a line that holds it', async () => {
    await forEvery(async (stack) => {
      const cwd = folder(filesOf(stack));
      const vse = await mergedIn(cwd, topOf(stack));
      for (const slot of SLOTS) {
        const found = held(vse, slot.path);
        expect(found !== undefined).toBe(stack.result.has(slot));
        if (!found) continue;
        const written: unknown[] = [];
        for (const { span } of found.origins) {
          const line = readFileSync(join(cwd, span.file), 'utf8').split('\n')[span.line - 1]!;
          expect(span.text).toBe(line);
          written.push(JSON.parse(line.slice(span.column - 1, span.endColumn! - 1)));
        }
        for (const value of written) expect(slot.values).toContain(value);
        // Relations of several layers add up; everything else has the value of its last line.
        if (slot.path[1] !== 'gcc') expect(written.at(-1)).toBe(stack.result.get(slot));
      }
    });
  });

  it('shown as one layer and read again is the same', async () => {
    await forEvery(async (stack) => {
      const cwd = folder(filesOf(stack));
      const vse = await mergedIn(cwd, topOf(stack));
      const again = await mergedIn(folder({ 'again.yaml': showVse(vse) }), 'again.yaml');
      expect(again.config).toEqual(vse.config);
      expect([again.digest, again.treeDigest]).toEqual([vse.digest, vse.treeDigest]);
      expect(again.optionStates).toEqual(vse.optionStates);
    });
  });

  it('is the same by whatever ways its layers are reached', async () => {
    await forEvery(async (stack) => {
      // The top extends all below it, which extend each other: every one is reached many times.
      const { layers } = stack;
      const all = layers.map((_, i) => `./l${i}.yaml`);
      const diamond = layerText(`l${layers.length}`, all, layers.at(-1)!);
      const cwd = folder({ ...filesOf(stack), 'diamond.yaml': diamond });
      const plain = await mergedIn(cwd, topOf(stack));
      const vse = await mergedIn(cwd, 'diamond.yaml');
      expect(vse.digest).toBe(plain.digest);
      expect(vse.layers.map(({ name }) => name)).toEqual(plain.layers.map(({ name }) => name));
      for (const [path, origins] of plain.origins)
        expect(vse.origins.get(path)).toHaveLength(origins.length);
    });
  });

  it('is not changed by a layer that adds what is there', async () => {
    await forEvery(async (stack) => {
      const lines = [...stack.result].map(
        ([slot, value]) => ({ slot, deed: 'repeat', value }) as const,
      );
      const cwd = folder(withLayer(stack, lines));
      const before = await mergedIn(cwd, topOf(stack));
      const after = await mergedIn(cwd, 'top.yaml');
      expect(after.config).toEqual(before.config);
      for (const { slot } of lines)
        expect(held(after, slot.path)!.origins.length).toBeGreaterThan(
          held(before, slot.path)!.origins.length,
        );
    });
  });

  it('lets no layer override, or remove, what is not there', async () => {
    await forEvery(async (stack) => {
      const absent = SLOTS.filter((slot) => !stack.result.has(slot));
      const lines = (deed: 'override' | 'remove'): Line[] =>
        absent
          .filter((slot) => deed === 'remove' || !isElement(slot))
          .map((slot) => ({ slot, deed, value: slot.values[0] }));
      const codes = async (deed: 'override' | 'remove') =>
        (await load(withLayer(stack, lines(deed)), 'top.yaml')).codes;
      // Of an entry that is not there at all, one error for all that is below it.
      for (const [deed, code] of [
        ['override', 'VSE051'],
        ['remove', 'VSE052'],
      ] as const)
        expect(new Set(await codes(deed))).toEqual(new Set(lines(deed).map(() => code)));
    });
  });

  it('keeps what is protected from every verb, and lets an equal add pass', async () => {
    await forEvery(async (stack) => {
      for (const [slot, value] of stack.result) {
        const other = slot.values.find((one) => one !== value) ?? value;
        const guard = JSON.stringify({
          ...{ vse: 1, name: 'guard', extends: `./${topOf(stack)}` },
          protect: [slot.path.slice(0, 1 + (value === other ? 1 : 0)).join('.')],
        });
        const codes = async (lines: readonly Line[]) => {
          const top = layerText('top', ['./guard.yaml'], lines);
          const files = { ...filesOf(stack), 'guard.yaml': guard, 'top.yaml': top };
          return (await load(files, 'top.yaml')).codes;
        };
        expect(await codes([{ slot, deed: 'repeat', value }])).toEqual([]);
        expect(await codes([{ slot, deed: 'remove', value }])).toContain('VSE053');
        if (other === value || slot.path[0] === 'packages') continue;
        expect(await codes([{ slot, deed: 'override', value: other }])).toContain('VSE053');
        expect(await codes([{ slot, deed: 'add', value: other }])).toContain('VSE053');
        return;
      }
    });
  });
});
