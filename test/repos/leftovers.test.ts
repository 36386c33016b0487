/** Names of runs, and telling the dead from the living by them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { abandonedIn, runName } from '../../repos/leftovers.ts';
import { site } from '../builders/support/tree.ts';

let folder: string;
beforeEach(() => {
  folder = site().root;
});

/** Of a process that has ended for sure. */
const deadPid = (): string => execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }).trim();
const ofDead = (): string => runName().replace(/^\d+/, deadPid());
const elsewhere = (name: string): string => name.replace(/-[0-9a-f]{8}-/, '-00000000-');
const make = (name: string): string => {
  mkdirSync(join(folder, name));
  return join(folder, name);
};

test('a name is new each time and begins with the process', () => {
  expect(runName()).not.toBe(runName());
  expect(runName()).toMatch(new RegExp(`^${process.pid}-[0-9a-f]{8}-[0-9a-f]{8}$`));
});

test('what a dead process left is abandoned, what a living one has is not', () => {
  make(runName());
  make(runName().replace(/^\d+/, '1'));
  const left = make(ofDead());
  expect(abandonedIn(folder)).toEqual([left]);
});

test('only with that very prefix', () => {
  const name = ofDead();
  const left = make(`.cfd.partial-${name}`);
  make(`.cfd2.partial-${name}`);
  make(`kept-${name}`);
  make('.cfd.partial-notes');
  expect(abandonedIn(folder, '.cfd.partial-')).toEqual([left]);
  expect(abandonedIn(folder)).toEqual([]);
});

test('of another machine or container nobody knows the processes: after a day', () => {
  const old = make(elsewhere(ofDead()));
  make(elsewhere(ofDead()));
  const before = new Date(Date.now() - 25 * 3600_000);
  utimesSync(old, before, before);
  expect(abandonedIn(folder)).toEqual([old]);
});

test('a folder that is not there, or no folder', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(abandonedIn(join(folder, 'none'))).toEqual([]);
  expect(abandonedIn(join(folder, 'file'))).toEqual([]);
});
