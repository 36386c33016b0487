import { existsSync } from 'node:fs';
import { lockEquals, readLock, serialiseLock, writeLock } from '../../repos/lock-file.ts';
import type { Lock } from '../../repos/lock.ts';
import { defineCommand } from '../command.ts';
import { ENV, openEnvironment } from '../environment.ts';
import { formatBytes, plural } from '../format.ts';
import { diffPackages, otherChanges, packageChangeLine } from '../lock-diff.ts';
import { lockPath, makeLock } from '../locking.ts';
import { insecure, json, offline } from '../options.ts';
import type { Session } from '../session.ts';

function summary(lock: Lock): string {
  const sum = (pick: 'size' | 'installedSize') =>
    formatBytes(lock.packages.reduce((total, p) => total + p[pick], 0));
  const count = plural(lock.packages.length, 'package');
  return `${count}, ${sum('size')} to fetch, ${sum('installedSize')} installed`;
}

function tellChanges(before: Lock, after: Lock, session: Session): void {
  const changes = diffPackages(before.packages, after.packages);
  for (const change of changes) session.print(packageChangeLine(change, session.colors));
  if (changes.length === 0) {
    for (const what of otherChanges(before, after)) session.print(`changed: ${what}`);
  }
}

export default defineCommand({
  description: `Resolves an environment against its package repositories and writes ENV.lock.json
    beside it: every package exactly, why it is there, the signed indexes that it was found in, and
    the toolbox that builds it. Commit the lock: a build from it gives the same bytes everywhere.

    With --check nothing is written, and the exit code is 1 if the lock would change.`,
  arguments: [ENV],
  options: {
    check: { kind: 'flag', describe: 'Write nothing; exit with 1 if the lock would change' },
    json: { ...json, describe: 'Print the lock on standard output' },
    offline,
    'insecure-ignore-signatures': insecure,
  },
  examples: [
    { command: 'vsec lock cfd.yaml', does: 'write cfd.lock.json, or bring it up to date' },
    { command: 'vsec lock cfd.yaml --check', does: 'in CI: is the lock that of today?' },
    { command: "vsec lock cfd.yaml --json | jq -r '.packages[].name'", does: 'list the packages' },
  ],
  async run({ args: [target = ''], options, session }) {
    const vse = await openEnvironment(target, session);
    const path = lockPath(target);
    const before = existsSync(path) ? await readLock(path) : undefined;
    const lock = await makeLock(vse, session, { insecure: options['insecure-ignore-signatures'] });
    const same = before !== undefined && lockEquals(before, lock);
    if (!same && !options.check) await writeLock(path, lock);
    if (options.json) {
      session.print(serialiseLock(lock));
      return options.check && !same ? 1 : 0;
    }
    if (before && !same) tellChanges(before, lock, session);
    const state = same
      ? 'is up to date'
      : options.check
        ? before
          ? 'would change'
          : 'is missing'
        : before
          ? 'updated'
          : 'written';
    session.print(`${path} ${state}: ${summary(lock)}`);
    return options.check && !same ? 1 : 0;
  },
});
