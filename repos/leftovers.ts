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

/**
 * Is the run over whose name `name` ends with? `undefined` when it ends with none. A run elsewhere
 * counts as over when `changed` (milliseconds since 1970) is more than a day ago.
 */
export function isOver(name: string, changed: number): boolean | undefined {
  const m = NAME.exec(name);
  if (!m) return undefined;
  return m[2] === here() ? !isAlive(Number(m[1])) : Date.now() - changed > ABANDONED_MS;
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
      if (NAME.exec(name.slice(prefix.length))?.index !== 0) return false;
      const mtime = lstatSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs;
      return mtime !== undefined && isOver(name, mtime) === true;
    })
    .map((name) => join(folder, name));
}
