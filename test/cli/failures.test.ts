import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { explainFailure } from '../../cli/failures.ts';
import { misuse } from '../../vse/diagnostic.ts';

function thrownBy(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

it('a VsecError says itself what it is', () => {
  const failure = explainFailure(misuse('VSE001', 'm'));
  expect(failure).toMatchObject({ exitCode: 2, diagnostics: [{ code: 'VSE001' }] });
});

it.each([
  ['a path that is not there', () => writeFileSync('/nowhere/x', ''), '/nowhere/x (open)'],
  ['a full disk', () => writeFileSync('/dev/full', 'x'), 'no space left on the device'],
  ['a file in the way', () => mkdirSync('/dev/null/x'), '/dev/null/x (mkdir)'],
])('%s is no bug', (_, work, text) => {
  const { diagnostics, exitCode, stack } = explainFailure(thrownBy(work));
  expect(exitCode).toBe(1);
  expect(diagnostics[0]?.code).toBe('CLI010');
  expect(diagnostics[0]?.message).toContain(text);
  expect(diagnostics[0]?.hint).toBeDefined();
  expect(stack).toBeUndefined();
});

it.each([new TypeError('x is undefined'), 'a string', undefined, null])(
  '%s is a bug, and said to be one',
  (thrown) => {
    const { diagnostics, exitCode } = explainFailure(thrown);
    expect(exitCode).toBe(1);
    expect(diagnostics[0]?.code).toBe('CLI099');
    expect(diagnostics[0]?.message).toMatch(/^This is a bug in vsec/);
    expect(diagnostics[0]?.hint).toContain('vsec version');
  },
);
