/** Watching guests that misbehave, played by a few lines of shell. */
import { describe, expect, it } from 'vitest';
import type { Ending, Patience } from '../../builders/boot/watch.ts';
import { watchGuest } from '../../builders/boot/watch.ts';
import type { ReportEvent } from '../../vse/report.ts';
import { UP } from './support/boot.ts';

const PATIENCE: Patience = { total: 5000, firstOutput: 5000, afterTrouble: 100 };

const never = new AbortController().signal;

async function watch(script: string, patience: Partial<Patience> = {}, signal = never) {
  const events: ReportEvent[] = [];
  const command = { file: '/bin/sh', args: ['-c', script], env: { PATH: '/usr/bin:/bin' } };
  const watched = await watchGuest(
    command,
    { ...PATIENCE, ...patience },
    (e) => events.push(e),
    signal,
  );
  return { ...watched, events };
}

const kind = async (script: string, patience?: Partial<Patience>): Promise<Ending['kind']> =>
  (await watch(script, patience)).ending.kind;

/** Is there a process in whose command line `mark` stands? */
async function alive(mark: string): Promise<boolean> {
  const { readdirSync, readFileSync } = await import('node:fs');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark);
      } catch {
        return false;
      }
    });
}

describe('a guest', () => {
  it('is up when it says so, and still runs then', async () => {
    const { ending, guest, seconds } = await watch(`echo booting; echo '${UP}'; sleep 30`);
    expect(ending).toMatchObject({ kind: 'up', report: { seconds: 23.4, failed: [] } });
    expect(seconds).toBeLessThan(5);
    await guest.stop();
    expect(await guest.ended).toMatchObject({ signal: 'SIGTERM' });
  });

  it('is not up before the line is whole', async () => {
    expect(await kind(`printf '%s' '${UP}'; sleep 30`, { total: 300 })).toBe('timeout');
  });

  it('is up although something cut into its first report', async () => {
    expect(await kind(`echo 'vsec: up sec[ 1.0] eth0: link up'; echo '${UP}'; sleep 30`)).toBe(
      'up',
    );
  });

  it('may end early', async () => {
    const { ending } = await watch('echo firmware; echo "no such device" >&2; exit 3');
    expect(ending).toEqual({
      kind: 'exited',
      end: { code: 3, signal: null },
      stderr: 'no such device\n',
    });
  });

  it('may be killed', async () => {
    expect((await watch('kill -SEGV $$')).ending).toMatchObject({ end: { signal: 'SIGSEGV' } });
  });

  it('may not start at all', async () => {
    const command = { file: '/nowhere/qemu', args: [], env: {} };
    const { ending } = await watchGuest(command, PATIENCE, () => undefined, never);
    expect(ending).toMatchObject({
      kind: 'not-started',
      reason: expect.stringContaining('ENOENT') as string,
    });
  });

  it('may stay silent', async () => {
    expect((await watch('sleep 30', { firstOutput: 200 })).ending).toEqual({
      kind: 'silent',
      spoke: false,
    });
  });

  it('may fall silent, where that counts', async () => {
    expect((await watch('echo Probing EDD; sleep 30', { output: 200 })).ending).toEqual({
      kind: 'silent',
      spoke: true,
    });
  });

  it('may speak from time to time for as long as it is given', async () => {
    const script = 'while :; do echo .; sleep 0.1; done';
    expect(await kind(script, { output: 2000, total: 700 })).toBe('timeout');
  });

  it('may panic, and then says a little more', async () => {
    const { ending, console } = await watch(
      'echo "[ 1.0] Kernel panic - not syncing: no init"; echo "---[ end trace"; sleep 30',
    );
    expect(ending).toMatchObject({ kind: 'trouble', trouble: { code: 'BOOT020' } });
    expect(console.tail(1)).toEqual(['---[ end trace']);
  });

  it('may wait at a prompt that ends no line', async () => {
    const { ending } = await watch('printf "(initramfs) "; sleep 30');
    expect(ending).toMatchObject({ kind: 'trouble', trouble: { code: 'BOOT021' } });
  });

  it('may flood its console', async () => {
    const before = process.memoryUsage().rss;
    const { ending, console } = await watch('exec yes 0123456789012345678901234567890', {
      total: 1500,
    });
    expect(ending.kind).toBe('timeout');
    expect(console.tail(1e6).length).toBeLessThanOrEqual(401);
    expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
  });

  it('may flood it without a line break', async () => {
    expect(await kind('exec tr "\\0" x </dev/zero', { total: 1000 })).toBe('timeout');
  });

  it('shows its console in the report', async () => {
    const { events } = await watch('printf "a\\033[1mb\\n"; exit 0');
    expect(events).toContainEqual({ type: 'log', level: 'debug', message: 'ab' });
  });
});

describe('nothing is left', () => {
  it('of a guest that ignores SIGTERM, nor of what it started', async () => {
    const mark = `31.${process.pid}1`;
    const script = `trap '' TERM; sleep ${mark} & sleep ${mark}; sleep ${mark}`;
    expect(await kind(script, { total: 300 })).toBe('timeout');
    expect(await alive(mark)).toBe(false);
  }, 15_000);

  it('when the wait is interrupted', async () => {
    const mark = `31.${process.pid}2`;
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('interrupted')), 200);
    await expect(watch(`echo a; sleep ${mark}`, {}, controller.signal)).rejects.toThrow(
      'interrupted',
    );
    expect(await alive(mark)).toBe(false);
  });

  it('when it was interrupted before', async () => {
    await expect(watch('sleep 30', {}, AbortSignal.abort(new Error('before')))).rejects.toThrow(
      'before',
    );
  });
});
