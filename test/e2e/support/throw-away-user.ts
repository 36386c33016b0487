/** An ordinary user who exists for one test. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  remove(): void;
}

const idOf = (flag: string, name: string): number =>
  Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));

/** Makes a user with home folder `home` and 65536 subordinate ids. Needs root. */
export function addUser(home: string): User {
  if (!home.startsWith('/') || home === homedir()) throw new Error(`not a home for tests: ${home}`);
  const name = `vsec-test-${process.pid}`;
  execFileSync('useradd', ['--create-home', '--home-dir', home, '--shell', '/bin/sh', name]);
  const has = (file: string): boolean =>
    readFileSync(file, { encoding: 'utf8', flag: 'a+' }).includes(`${name}:`);
  // Some systems' useradd gives no ranges.
  if (!has('/etc/subuid')) execFileSync('usermod', ['--add-subuids', '7000000-7065535', name]);
  if (!has('/etc/subgid')) execFileSync('usermod', ['--add-subgids', '7000000-7065535', name]);
  return {
    name,
    uid: idOf('-u', name),
    gid: idOf('-g', name),
    remove: () => void execFileSync('userdel', ['--remove', name], { stdio: 'ignore' }),
  };
}
