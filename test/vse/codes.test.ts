/** Codes are a promise: each one in the sources is documented, and none is documented in vain. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const codesIn = (text: string): Set<string> => new Set(text.match(/VSE\d{3}/g));

it('documents the codes that there are', () => {
  const sources = readdirSync(`${root}/vse`)
    // diagnostic.ts names one as an example.
    .filter((name) => name.endsWith('.ts') && name !== 'diagnostic.ts')
    .map((name) => readFileSync(`${root}/vse/${name}`, 'utf8'));
  const documented = codesIn(readFileSync(`${root}/docs/diagnostics.md`, 'utf8'));
  expect([...documented].sort()).toEqual([...codesIn(sources.join('\n'))].sort());
});
