/**
 * Every code that a message can have is documented, once; every documented code exists, and is
 * produced by a test.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const CODE = /\b(?:VSE|REPO|SOLV|BUILD|BOOT|CLI)\d{3}\b/g;
/** Codes in quotes: those that a diagnostic is made with. */
const QUOTED = new RegExp(`(?<=['"])${CODE.source}(?=['"])`, 'g');

const programsIn = (room: string): readonly string[] =>
  readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('house/'))
    .map((name) => readFileSync(join(root, room, name), 'utf8'));
const used = new Set(
  ['vse', 'repos', 'builders', 'cli']
    .flatMap(programsIn)
    .flatMap((text) => text.match(QUOTED) ?? []),
);
const documented = readFileSync(join(root, 'docs/diagnostics.md'), 'utf8')
  .split('\n')
  .flatMap((line) => codesOf(/^\| ([^|]*) \|/.exec(line)?.[1] ?? ''));

/** `BUILD112, BUILD113`, or all of `BUILD180 to BUILD183`. */
function codesOf(cell: string): readonly string[] {
  const [first = '', last = ''] = cell.match(CODE) ?? [];
  if (!cell.includes(' to ')) return cell.match(CODE) ?? [];
  const [from, to] = [first, last].map((code) => Number(code.slice(-3)));
  return Array.from({ length: to! - from! + 1 }, (_, i) => first.slice(0, -3) + (from! + i));
}

it('every code is documented', () => {
  expect([...used].filter((code) => !documented.includes(code)).sort()).toEqual([]);
});

it('every documented code exists', () => {
  expect(documented.filter((code) => !used.has(code))).toEqual([]);
});

it('no code is documented twice', () => {
  expect(documented.filter((code, i) => documented.indexOf(code) !== i)).toEqual([]);
});

/** Comments, and the titles of tests, claim what only an assertion shows. */
const CLAIMS = /\/\*[^]*?\*\/|^\s*\/\/.*$|\b(?:it|test|describe)\(\s*(?:'.*'|".*"|`.*`)/gm;

it('every documented code is asserted by a test', () => {
  const asserted = new Set(
    programsIn('test').flatMap((text) => text.replace(CLAIMS, '').match(CODE) ?? []),
  );
  expect(documented.filter((code) => !asserted.has(code))).toEqual([]);
});
