import { lockEquals, serialiseLock, writeLock } from '../../repos/lock-file.ts';
import { architecturesOf, lockOf } from '../../repos/lock-architectures.ts';
import type { Lock, LockFile } from '../../repos/lock.ts';
import { misuse, type VsecError } from '../../vse/diagnostic.ts';
import { architectureName } from '../architecture.ts';
import { defineCommand } from '../command.ts';
import { ENV, openEnvironment } from '../environment.ts';
import { formatBytes, plural } from '../format.ts';
import { diffPackages, otherChanges, packageChangeLine } from '../diff/packages.ts';
import { lockBeside, lockPath } from '../lock-beside.ts';
import { makeLockFile } from '../locking.ts';
import { insecure, json, offline } from '../options.ts';
import type { Session } from '../session.ts';

function summary(lock: Lock): string {
  const sum = (pick: 'size' | 'installedSize') =>
    formatBytes(lock.packages.reduce((total, p) => total + p[pick], 0));
  const count = plural(lock.packages.length, 'package');
  return `${count}, ${sum('size')} to fetch, ${sum('installedSize')} installed`;
}

/** Of several architectures each is named before what changes in it. */
function tellChanges(before: LockFile, after: LockFile, session: Session): void {
  const several = after.otherArchitectures !== undefined;
  for (const architecture of architecturesOf(after)) {
    const [was, is] = [lockOf(before, architecture), lockOf(after, architecture)!];
    const label = several ? `${architecture}: ` : '';
    if (!was) {
      session.print(`${label}new`);
      continue;
    }
    const changes = diffPackages(was.packages, is.packages);
    for (const change of changes) {
      session.print(`${label}${packageChangeLine(change, session.colors)}`);
    }
    if (changes.length > 0) continue;
    for (const what of otherChanges(was, is)) session.print(`${label}changed: ${what}`);
  }
  for (const architecture of architecturesOf(before)) {
    if (!lockOf(after, architecture)) session.print(`${architecture}: no longer locked`);
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

    With --arch the lock holds other architectures beside the environment's own, each resolved for
    itself; 'vsec build' takes the one that it builds. Kernels and hypervisors that are named after
    the architecture (linux-image-amd64) are named after the other one.

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
    arch: {
      kind: 'list',
      placeholder: 'ARCH',
      describe: "Architectures to lock beside the environment's own (default: those in the lock)",
    },
    check: { kind: 'flag', describe: 'Write nothing; exit with 1 if the lock would change' },
    json: { ...json, describe: 'Print the lock on standard output' },
    offline,
    'insecure-ignore-signatures': insecure,
  },
  examples: [
    { command: 'vsec lock cfd.yaml', does: 'write cfd.lock.json, or bring it up to date' },
    { command: 'vsec lock cfd.yaml --arch arm64', does: 'also for another architecture' },
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
    const vse = await openEnvironment(target, session, { freshness });
    const path = lockPath(target);
    const before = await lockBeside(target);
    const lock = await makeLockFile(target, vse, before, session, {
      insecure: options['insecure-ignore-signatures'],
      upgrade: options.upgrade ? (named.length > 0 ? named : 'all') : undefined,
      ...(options.arch.length > 0 && { architectures: options.arch.map(architectureName) }),
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
    for (const architecture of architecturesOf(lock).slice(1)) {
      session.print(`  ${architecture}: ${summary(lockOf(lock, architecture)!)}`);
    }
    return options.check && !same ? 1 : 0;
  },
});
