/** Running programs: what is kept of them, and that they are gone when they are to be. */
import { readdirSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { lastLines, mustRun, run } from '../../builders/sandbox/programs.ts';
import { failureOf } from './support/tree.ts';

const sh = (script: string) => ['-c', script] as const;

test('exit code, standard output whole, the end of both streams', async () => {
  const script = 'echo out; echo err >&2; cat; exit 3';
  const result = await run('sh', sh(script), {
    input: 'in',
    env: { PATH: process.env['PATH'] ?? '' },
  });
  expect(result).toMatchObject({ code: 3, stdout: 'out\nin' });
  expect(result.tail).toContain('err');
});

test('a stream as input', async () => {
  const input = Readable.from(['a'.repeat(100_000), 'b']);
  const { stdout } = await run('/bin/sh', sh('wc -c'), { input, env: { PATH: '/usr/bin:/bin' } });
  expect(Number(stdout)).toBe(100_001);
});

test('input that breaks ends the program and is the reason', async () => {
  const input = new Readable({ read: () => input.destroy(new Error('disk gone')) });
  await expect(run('/bin/cat', [], { input })).rejects.toThrow('disk gone');
});

test('input that nobody reads is no error', async () => {
  const { code } = await run('/bin/true', [], { input: 'x'.repeat(1 << 20) });
  expect(code).toBe(0);
});

test('a program that is not there', async () => {
  await expect(run('/no/such/program', [])).rejects.toThrow('ENOENT');
});

test('a failure carries the end of the output', async () => {
  const found = await failureOf(() => mustRun('counting', '/bin/sh', sh('seq 100; exit 9')));
  expect(found.code).toBe('BUILD130');
  expect(found.message).toBe('counting failed (exit code 9)');
  expect(found.notes.map((n) => n.message)).toEqual(
    Array.from({ length: 20 }, (_, i) => String(81 + i)),
  );
});

describe('an abort', () => {
  const running = (word: string): boolean =>
    readdirSync('/proc').some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
      } catch {
        return false;
      }
    });

  test('rejects when the program is gone, not before', async () => {
    const seconds = `98765.${process.pid}`;
    const controller = new AbortController();
    const sleeping = run('/bin/sleep', [seconds], { signal: controller.signal });
    setTimeout(() => controller.abort(), 200);
    await expect(sleeping).rejects.toThrow(/abort/i);
    expect(running(seconds)).toBe(false);
  });

  test('does not wait for what the program started', async () => {
    const controller = new AbortController();
    const script = sh('sleep 7; true');
    const env = { PATH: '/usr/bin:/bin' };
    const waiting = run('/bin/sh', script, { env, signal: controller.signal });
    setTimeout(() => controller.abort(), 200);
    const started = performance.now();
    await expect(waiting).rejects.toThrow(/abort/i);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('before the start', async () => {
    await expect(run('/bin/sleep', ['9'], { signal: AbortSignal.abort() })).rejects.toThrow(
      /abort/i,
    );
  });
});

test('lastLines leaves out what is empty', () => {
  expect(lastLines('a\n\n  \nb  \nc\n', 2)).toEqual(['b', 'c']);
});
