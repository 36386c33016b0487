/** Whatever is given as a layer, the answer is a VSE or diagnostics with places: never an exception. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { load, top } from './support.ts';
import type { Outcome } from './support.ts';

function sane({ vse, diagnostics }: Outcome): void {
  expect(vse === undefined).toBe(diagnostics.some((d) => d.severity === 'error'));
  for (const { code, message, span } of diagnostics) {
    expect(code).toMatch(/^VSE\d{3}$/);
    expect(message).not.toMatch(/undefined|\[object|NaN|\n/);
    if (!span) continue;
    expect(span.line).toBeGreaterThan(0);
    expect(span.column).toBeLessThanOrEqual((span.text ?? '').length + 1);
  }
}

const RUNS = { numRuns: 100 };

it('any bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
      sane(await load({ 'top.yaml': bytes }));
    }),
    { ...RUNS, examples: [[Uint8Array.of(13, 128)]] },
  );
});

it('any text in YAML’s alphabet', async () => {
  const yaml = fc.string({
    unit: fc.constantFrom(...'ab1:-?,[]{}#&*!|>\'"%@` \n\t~\\', 'vse: 1\n', 'name: x\n', '---\n'),
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(yaml, async (text) => {
      sane(await load({ 'top.yaml': text }));
    }),
    RUNS,
  );
});

it('any values in the language’s places', async () => {
  const keys = fc.constantFrom(
    ...['packages', 'files', 'users', 'kernel', 'cmdline', 'image', 'size', 'machine', 'nics'],
    ...['repositories', 'services', 'scripts', 'run', 'network', 'addresses', 'content', 'mac'],
    ...['/a', 'ann', 'uid', 'source', 'mode', 'backends', 'initrd', 'modules', '__proto__'],
  );
  const leaf = fc.oneof(
    fc.constantFrom('', 'x', '/a', '/etc/motd', 'gcc (>= 12)', '4GiB', 'enabled', '0755'),
    fc.constantFrom('__proto__', 'constructor', 'toString', '\u0000', '\ud800', 'a\nb'),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
    ),
  }));
  const verb = fc.constantFrom('add', 'override', 'remove', 'protect');
  const block = fc.dictionary(keys, value, { minKeys: 1, maxKeys: 5 });
  await fc.assert(
    fc.asyncProperty(verb, block, async (name, body) => {
      sane(await load({ 'top.yaml': top(`${name}: ${JSON.stringify(body)}\n`) }));
    }),
    { numRuns: 200, examples: [['remove', { backends: ['a\nb'] }]] },
  );
});

it('any value for any block', async () => {
  const blocks = fc.dictionary(
    fc.constantFrom('add', 'override', 'remove', 'exclude', 'protect', 'version', 'extends'),
    fc.jsonValue({ maxDepth: 3 }),
    { maxKeys: 3 },
  );
  await fc.assert(
    fc.asyncProperty(blocks, async (body) => {
      const text = Object.entries(body)
        .filter(([key]) => key !== 'extends')
        .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
        .join('');
      sane(await load({ 'top.yaml': top(text) }));
    }),
    RUNS,
  );
});

it('large and repetitive layers, in reasonable time', async () => {
  const items = (count: number, item: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => item(i)).join(', ');
  const dots = 'a.'.repeat(100_000);
  const bodies = [
    `add: {packages: [${items(30_000, (i) => `gcc (>= ${i})`)}]}\n`,
    `add: {packages: [${items(40_000, (i) => `p${i}`)}]}\nremove: {packages: [${items(40_000, (i) => `p${i}`)}]}\n`,
    `add: {users: {${items(30_000, (i) => `u${i}: {uid: ${i + 1}}`)}}}\n`,
    `protect: [files./${dots}]\nadd: {hostname: ${dots}}\n`,
    `add: {files: {${items(20_000, (i) => `/${'d/'.repeat(5)}f${i}: {content: x}`)}}}\n`,
  ];
  for (const body of bodies) {
    const started = performance.now();
    sane(await load({ 'top.yaml': top(body) }));
    expect(performance.now() - started).toBeLessThan(20_000);
  }
}, 120_000);
