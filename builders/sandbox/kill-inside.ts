/** Ending what still runs in a tree that has no process namespace of its own. */
import { existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';

/** Kills every process whose root folder is `root`: services that a bare chroot let start. */
export function killInside(root: string): void {
  if (!existsSync(root)) return;
  const real = realpathSync(root);
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (readlinkSync(`/proc/${name}/root`) === real) process.kill(Number(name), 'SIGKILL');
    } catch {
      // Gone meanwhile, or not ours to look at.
    }
  }
}
