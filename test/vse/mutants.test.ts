/**
 * Real layers with damage of the kinds that editors, mail and people do: the answer is a VSE or
 * diagnostics, each with its place. More of them:
 *
 *     VSEC_MUTANTS=10000 npx vitest run test/vse/mutants.test.ts
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { layerSchema } from '../../vse/schema.ts';
import { mutate, numbers, SEED } from '../support/mutate.ts';
import { load, top } from './support.ts';

const MUTANTS = Number(process.env['VSEC_MUTANTS'] ?? 200);
const LONGEST_MS = 10_000;

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
/** What a layer extends is beside it, under these names. */
const beside = (text: string): string => text.replace(/^extends: .*$/m, 'extends: ./vendor.yaml');
const LAYERS = [
  ...['debian-12', 'debian-12-hpc', 'debian-12-xen-host'].map((name) =>
    beside(read(`vse/base/${name}.yaml`)),
  ),
  ...['cfd', 'site'].map((name) => beside(read(`examples/cfd/${name}.yaml`))),
  top(`add:
  users: { bob: { uid: 7, ssh-keys: ["ssh-ed25519 AAAAC3Nza bob: #1"], groups: [video] } }
  network: { en*: { addresses: [10.0.0.5/24], gateway: 10.0.0.1 } }
  machine: { memory: 1536MiB, nics: [{ mac: "52:54:00:00:00:01", bridge: br0 }, {}] }
override: &all { image: { size: 6GiB } }
remove: { packages: [nano], kernel: { cmdline: [quiet] } }
exclude: { packages: [exim4-base] }
protect: [services.ssh, files./etc/motd]
`),
];
/** Words of the language in places where they do not belong. */
const KEYS = Object.keys(
  (layerSchema() as { definitions: { options: { properties: object } } }).definitions.options
    .properties,
);

function mutant(random: () => number): Buffer {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const text = pick(LAYERS);
  if (random() < 0.5) return mutate(Buffer.from(text), random);
  const lines = text.split('\n');
  for (let changes = 1 + Math.floor(random() * 4); changes > 0; changes--) {
    const at = Math.floor(random() * lines.length);
    const line = lines[at]!;
    const other = [
      () => lines.splice(at, 1),
      () => lines.splice(at, 0, pick(lines)),
      () => (lines[at] = ' '.repeat(Math.floor(random() * 5)) + line),
      () => (lines[at] = line.replace(/^ +/, (indent) => indent.slice(1))),
      () => (lines[at] = line.replace(/\w+(?=:)/, pick(KEYS))),
      () =>
        (lines[at] = line.replace(/:.*/, `: ${pick(['', '[]', '{}', '~', 'yes', '1e9', '|'])}`)),
      () => (lines[at] = `${line}\r`),
      () =>
        (lines[at] = line.replace(/: /, pick([': &a ', ': *a', ': !!str ', ':\t', ': - ', ' : ']))),
      () => (lines[at] = `${line} ${pick(['# x', '}', ']', '"', "'", '<<: *all', '\u2028'])}`),
    ];
    pick(other)();
  }
  return Buffer.from(lines.join('\n'));
}

it(
  `${MUTANTS} damaged layers: no crash, no hang, no message without a position`,
  { timeout: 60_000 + MUTANTS * 100 },
  async () => {
    const random = numbers(SEED);
    let refused = 0;
    for (let i = 0; i < MUTANTS; i++) {
      const bytes = mutant(random);
      const label = `mutant ${i} of seed ${SEED}`;
      const started = performance.now();
      const { vse, diagnostics } = await load({ 'top.yaml': bytes });
      expect(performance.now() - started, label).toBeLessThan(LONGEST_MS);
      expect(vse === undefined, label).toBe(diagnostics.some((d) => d.severity === 'error'));
      if (!vse) refused++;
      for (const { code, message, span } of diagnostics) {
        expect(code, label).toMatch(/^VSE\d{3}$/);
        expect(message, label).not.toMatch(/undefined|\[object|NaN|\n/);
        expect(span?.line, `${label}: ${code} ${message}`).toBeGreaterThan(0);
        expect(span!.column, label).toBeLessThanOrEqual((span!.text ?? '').length + 1);
      }
    }
    // Damage that nobody would notice is rare, and so is a test that refuses everything.
    expect(refused).toBeGreaterThan(MUTANTS / 4);
    expect(refused).toBeLessThan(MUTANTS);
  },
);
