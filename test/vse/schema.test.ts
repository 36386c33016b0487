/** The JSON Schema, judged by a validator that is not ours. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { layerSchema } from '../../vse/schema.ts';
import { starterLayer } from '../../vse/starter.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const validate = new Ajv({ allErrors: true, strictTypes: false }).compile(layerSchema());

const inFolder = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(root, folder, name));

it.each([...inFolder('vse/base'), ...inFolder('examples/cfd')])('accepts %s', (file) => {
  validate(parse(readFileSync(file, 'utf8')));
  expect(validate.errors).toBeNull();
});

it('accepts the starter layer', () => {
  validate(parse(starterLayer('x', 'debian-12')));
  expect(validate.errors).toBeNull();
});

const layer = (body: object): object => ({ vse: 1, name: 'x', ...body });

it.each([
  ['a layer without a name', { vse: 1 }],
  ['an unknown key', layer({ adds: {} })],
  ['an unknown option', layer({ add: { pakages: [] } })],
  ['a wrong type', layer({ add: { packages: 'gcc' } })],
  ['a bad package', layer({ add: { packages: ['g_cc'] } })],
  ['a bad size', layer({ override: { image: { size: '6G' } } })],
  ['a path that escapes', layer({ add: { files: { '/a/../b': {} } } })],
  ['two kinds of file', layer({ add: { files: { '/a': { content: 'x', link: 'y' } } } })],
  ['a hostile name', layer({ add: { users: { "a'b": {} } } })],
  ['a bad state', layer({ add: { services: { ssh: 'on' } } })],
  ['a value under remove', layer({ remove: { hostname: 'x' } })],
  ['an exclusion of files', layer({ exclude: { files: ['/a'] } })],
])('refuses %s', (_what, value) => {
  expect(validate(value)).toBe(false);
});

it('describes every option', () => {
  const undocumented: string[] = [];
  const walk = (schema: Record<string, unknown>, path: string): void => {
    for (const [key, child] of Object.entries((schema['properties'] ?? {}) as typeof schema)) {
      const field = child as Record<string, unknown>;
      if (typeof field['description'] !== 'string') undocumented.push(`${path}.${key}`);
      walk(field, `${path}.${key}`);
      walk((field['additionalProperties'] || {}) as typeof schema, `${path}.${key}.*`);
    }
  };
  const { definitions } = layerSchema() as { definitions: Record<string, Record<string, unknown>> };
  walk(definitions['options']!, '');
  expect(undocumented).toEqual([]);
});

it('gives examples of every option that takes more than a choice', () => {
  const bare: string[] = [];
  const walk = (schema: Record<string, unknown>, path: string): void => {
    const inner = (schema['properties'] ?? {}) as Record<string, Record<string, unknown>>;
    for (const [key, child] of Object.entries(inner)) walk(child, `${path}.${key}`);
    if (typeof schema['additionalProperties'] === 'object')
      walk(schema['additionalProperties'] as typeof schema, `${path}.*`);
    if (schema['items'] && !('examples' in schema))
      walk(schema['items'] as typeof schema, `${path}[]`);
    const free = !inner || Object.keys(inner).length === 0;
    const limited = ['enum', 'const', 'items', 'additionalProperties'].some((k) => k in schema);
    if (free && !limited && schema['type'] !== 'boolean' && !('examples' in schema))
      bare.push(path);
  };
  const { definitions } = layerSchema() as { definitions: Record<string, Record<string, unknown>> };
  walk(definitions['options']!, '');
  expect(bare).toEqual([]);
});

it('is the one that the documentation holds (make golden)', async () => {
  const text = `${JSON.stringify(layerSchema(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../../docs/vse.schema.json');
});
