/** Programs that do nothing while maintainer scripts run, so that every sandbox mode gives one tree. */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STAND_INS = [
  // Works only where /proc is mounted, which a bare chroot cannot do; the system runs it at boot.
  'usr/bin/systemd-tmpfiles',
] as const;

const KEPT = '.vsec-kept';

/** Runs `work` with the stand-ins in place; the real programs are back when it ends. */
export async function withStandIns<T>(root: string, work: () => Promise<T>): Promise<T> {
  const replaced = STAND_INS.map((path) => join(root, path)).filter((path) => existsSync(path));
  for (const path of replaced) {
    renameSync(path, path + KEPT);
    writeFileSync(path, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  }
  try {
    return await work();
  } finally {
    for (const path of replaced) {
      rmSync(path, { force: true });
      renameSync(path + KEPT, path);
    }
  }
}
