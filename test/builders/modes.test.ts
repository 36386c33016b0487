/** The ways to shut a build in, and what is said when none is open. */
import { describe, expect, test } from 'vitest';
import {
  SANDBOX_MODES,
  chooseMode,
  isolationOf,
  modeArguments,
  probeSandbox,
} from '../../builders/sandbox/modes.ts';
import { failureOf } from './support/tree.ts';

test('a user namespace is tried first, a bare chroot last', () => {
  expect(SANDBOX_MODES).toEqual(['userns', 'mount', 'chroot']);
  expect(SANDBOX_MODES.map(isolationOf)).toEqual(['namespaces', 'namespaces', 'chroot']);
});

test('every namespace ends with its first process', () => {
  for (const mode of ['userns', 'mount'] as const)
    expect(modeArguments(mode)).toEqual(
      expect.arrayContaining(['--pid', '--fork', '--kill-child']),
    );
});

test('every mode is probed, and every refusal says why and what mends it', async () => {
  const probes = await probeSandbox();
  expect(probes.map((probe) => probe.mode)).toEqual(SANDBOX_MODES);
  for (const { usable, reason, remedy } of probes)
    if (usable) expect([reason, remedy]).toEqual([undefined, undefined]);
    else {
      expect(reason?.trim()).toBeTruthy();
      expect(remedy?.trim()).toBeTruthy();
    }
});

describe('the choice', () => {
  test('is the first that works', async () => {
    const probes = await probeSandbox();
    const first = probes.find((probe) => probe.usable)?.mode;
    if (first) expect(await chooseMode(undefined)).toBe(first);
    else expect((await failureOf(() => chooseMode(undefined))).code).toBe('BUILD180');
  });

  test('is the one asked for, or an error that says why not', async () => {
    for (const { mode, usable, reason } of await probeSandbox())
      if (usable) expect(await chooseMode(mode)).toBe(mode);
      else {
        const found = await failureOf(() => chooseMode(mode));
        expect(found).toMatchObject({ code: 'BUILD180', hint: 'vsec doctor tells more' });
        expect(found.message).toBe(`sandbox mode ${mode} does not work here`);
        expect(found.all).toContain(reason);
      }
  });
});

test('without unshare on the host no mode works, and the message says so', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = '/nowhere';
  try {
    const found = await failureOf(() => chooseMode(undefined));
    expect(found.code).toBe('BUILD180');
    expect(found.notes).toHaveLength(3);
    if (process.getuid?.() === 0) expect(found.all).toContain('the program unshare is missing');
  } finally {
    process.env['PATH'] = path;
  }
});
