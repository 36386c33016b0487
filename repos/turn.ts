/**
 * One build at a time makes a thing of the cache; others that need the same wait for it instead of
 * making it again. Two that make it all the same do no harm: the cache takes the first.
 */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOver, runName } from './leftovers.ts';
import type { Context } from '../vse/report.ts';
import { task } from '../vse/report.ts';

const POLL_MS = 100;

/**
 * Waits until nobody on this machine makes what `key` names, or until `isMade`; ends with the
 * signal. `key`: a file name. Returns what ends the turn, also when none was needed.
 */
export async function takeTurn(
  key: string,
  isMade: () => boolean,
  ctx: Pick<Context, 'cacheDir' | 'report' | 'signal'>,
): Promise<() => void> {
  const path = join(ctx.cacheDir, 'turns', key);
  const own = runName();
  const end = (): void => {
    if (holderOf(path) === own) rmSync(path, { force: true });
  };
  // Twice: the first may find a turn that a killed build left.
  if (isMade() || takes(path, own) || takes(path, own)) return end;
  return task(ctx.report, `turn:${key}`, 'Waiting for another build of the same', async () => {
    while (!isMade() && !takes(path, own)) await sleep(POLL_MS, undefined, { signal: ctx.signal });
    return end;
  });
}

/** Is it our turn now? Where no turn can be noted, it is everybody's. */
function takes(path: string, own: string): boolean {
  const note = `${path}.${own}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(note, own);
  } catch {
    return true;
  }
  try {
    linkSync(note, path);
    return true;
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'EEXIST') return true;
  } finally {
    rmSync(note, { force: true });
  }
  const holder = holderOf(path);
  // Of a holder on another machine nobody knows how it is doing: nobody waits for it.
  if (holder !== undefined && isOver(holder, 0) !== false) rmSync(path, { force: true });
  return false;
}

function holderOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
