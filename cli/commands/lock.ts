import { lockEquals, serialiseLock, writeLock } from '../../repos/lock-file.ts';
import type { Lock } from '../../repos/lock.ts';
import { misuse, type VsecError } from '../../vse/diagnostic.ts';
import { defineCommand } from '../command.ts';
import { ENV, openEnvironment } from '../environment.ts';
import { formatBytes, plural } from '../format.ts';
import { diffPackages, otherChanges, packageChangeLine } from '../diff/packages.ts';
import { lockBeside, lockPath, makeLock } from '../locking.ts';
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

const upgradeMissing = (target: string, named: readonly string[]): VsecError =>
  misuse('CLI006', `Unexpected argument '${named[0]}'`, {
    hint: `To upgrade packages: 'vsec lock ${target} --upgrade ${named.join(' ')}'.`,
  });

export default defineCommand({
  description: `Resolves an environment against its package repositories and writes ENV.lock.json
    beside it: every package exactly, why it is there, the signed indexes that it was found in, and
    the toolbox that builds it. Commit the lock: a build from it gives the same bytes everywhere.

    A lock that is there is kept: as it is while the environment is the same, whatever the
    repositories have meanwhile; package by package when the environment has changed. --upgrade
    moves everything to the present versions, or only the packages that are named and what they
    force to move.

    With --check nothing is written, and the exit code is 1 if the lock would change.`,
  arguments: [
    ENV,
    {
      name: 'PACKAGE',
      describe: 'with --upgrade: packages to upgrade, and no others without need',
      optional: true,
      many: true,
      complete: 'package',
    },
  ],
  options: {
    upgrade: {
      kind: 'flag',
      describe: 'Take the present versions: of the packages named, or of all and the toolbox',
    },
    check: { kind: 'flag', describe: 'Write nothing; exit with 1 if the lock would change' },
    json: { ...json, describe: 'Print the lock on standard output' },
    offline,
    'insecure-ignore-signatures': insecure,
  },
  examples: [
    { command: 'vsec lock cfd.yaml', does: 'write cfd.lock.json, or bring it up to date' },
    { command: 'vsec lock cfd.yaml --check', does: 'in CI: does the lock belong to it?' },
    { command: 'vsec lock cfd.yaml --upgrade', does: 'all of it as the repositories are now' },
    { command: 'vsec lock cfd.yaml --upgrade libssl3', does: 'a security fix, and nothing else' },
    {
      command: 'vsec lock cfd.yaml --upgrade --check',
      does: 'are there newer versions? exit code 1 if so',
    },
    { command: "vsec lock cfd.yaml --json | jq -r '.packages[].name'", does: 'list the packages' },
  ],
  async run({ args: [target = '', ...named], options, session }) {
    if (named.length > 0 && !options.upgrade) throw upgradeMissing(target, named);
    const freshness = options.upgrade && named.length === 0 ? 'upgrade' : 'check';
    const vse = await openEnvironment(target, session, freshness);
    const path = lockPath(target);
    const before = await lockBeside(target);
    const lock = await makeLock(vse, before, session, {
      insecure: options['insecure-ignore-signatures'],
      upgrade: options.upgrade ? (named.length > 0 ? named : 'all') : undefined,
    });
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
