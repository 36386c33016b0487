/** A checkout whose bundled program was never made. */
import { expect, it, vi } from 'vitest';
import { runInSandbox } from '../../builders/sandbox/worker-process.ts';
import { diagnosticOf } from '../repos/support/context.ts';

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  existsSync: () => false,
}));

it('BUILD181: says so, and how it is made', async () => {
  const ctx = { report: () => {}, signal: new AbortController().signal, env: {} };
  const run = runInSandbox({ kind: 'remove', path: '/nowhere' }, 'chroot', ctx);
  expect(await diagnosticOf(run)).toMatchObject({ code: 'BUILD181', hint: "run 'npm ci'" });
});
