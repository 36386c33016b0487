/** The folders in which trees are made: what becomes of them when a build ends, or was killed. */
import { readdirSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { abandonedIn } from '../repos/leftovers.ts';
import type { Context } from '../vse/report.ts';
import { killInside } from './sandbox/kill-inside.ts';
import { chooseMode } from './sandbox/modes.ts';
import type { SandboxMode } from './sandbox/modes.ts';
import { runInSandbox } from './sandbox/worker-process.ts';

/** Removes the trees of builds that were killed. */
export async function sweep(
  works: string,
  sandbox: SandboxMode | undefined,
  ctx: Context,
): Promise<void> {
  const left = abandonedIn(works);
  if (left.length === 0) return;
  const mode = await chooseMode(sandbox);
  for (const path of left) await removeTree(path, mode, ctx);
}

/** Under a name that no sweep takes; `vsec cache prune` does. */
export function keepTree(work: string, kept: string, ctx: Context): void {
  renameSync(work, kept);
  const now = new Date();
  utimesSync(kept, now, now);
  const message = `the failed tree is kept at ${join(kept, 'root')}`;
  ctx.report({ type: 'log', level: 'info', message });
}

/** A tree that was in memory is gone already; one on a disk is for a process of its own. */
function isLarge(work: string): boolean {
  try {
    return readdirSync(join(work, 'root')).length > 0;
  } catch {
    return false;
  }
}

/**
 * Removes a tree whose files belong to ids that only the sandbox has, also after Ctrl-C. What
 * cannot be removed is left to the next build; it is no reason to fail.
 */
export async function removeTree(path: string, mode: SandboxMode, ctx: Context): Promise<void> {
  try {
    if (mode === 'userns' || (mode === 'mount' && isLarge(path))) {
      const { signal } = new AbortController();
      await runInSandbox({ kind: 'remove', path }, mode, { ...ctx, signal });
    } else {
      if (mode === 'chroot') killInside(join(path, 'root'));
      rmSync(path, { recursive: true, force: true });
    }
  } catch (e) {
    const message = `cannot remove ${path}: ${(e as Error).message}`;
    ctx.report({ type: 'log', level: 'debug', message });
  }
}
