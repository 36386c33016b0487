/** Names for what a run has to itself on disk, and finding what killed runs left behind. */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Age at which what a process of another machine or container left counts as abandoned. */
const ABANDONED_MS = 86_400_000;

const NAME = /(\d+)-([0-9a-f]{8})-[0-9a-f]{8}$/;

/** Process numbers mean something only on one machine, and in one PID namespace of it. */
function here(): string {
  let namespace = '';
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Without /proc, what others left is abandoned only after a day.
    namespace = randomBytes(8).toString('hex');
  }
  return createHash('sha256').update(`${hostname()}\0${namespace}`).digest('hex').slice(0, 8);
}

/** A name that is this run's alone, and says whose it is: `<pid>-<place>-<random>`. */
export const runName = (): string => `${process.pid}-${here()}-${randomBytes(4).toString('hex')}`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Absolute paths in `folder` whose names are `prefix` and a run's name, of runs that are dead. */
export function abandonedIn(folder: string, prefix = ''): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => {
      if (!name.startsWith(prefix)) return false;
      const m = NAME.exec(name.slice(prefix.length));
      if (m?.index !== 0) return false;
      if (m[2] === here()) return !isAlive(Number(m[1]));
      const mtime = lstatSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs;
      return mtime !== undefined && Date.now() - mtime > ABANDONED_MS;
    })
    .map((name) => join(folder, name));
}
