/** Whether a lock still belongs to an environment, and if not, what has changed since. */
import { error, type Diagnostic, type Note } from '../vse/diagnostic.ts';
import type { Vse } from '../vse/types.ts';
import type { Lock } from './lock.ts';

const MAX_CHANGES = 12;

export interface OptionDrift {
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
}

/** Options that differ from the state that was locked; undefined when the lock does not know. */
export function optionDrift(lock: Lock, vse: Vse): readonly OptionDrift[] | undefined {
  if (!lock.options) return undefined;
  const before = new Map(lock.options.map(({ path, digest }) => [path, digest]));
  const now = new Map(Object.entries(vse.optionDigests));
  return [...new Set([...before.keys(), ...now.keys()])].sort().flatMap((path): OptionDrift[] => {
    const [was, is] = [before.get(path), now.get(path)];
    if (was === is) return [];
    return [{ path, kind: was === undefined ? 'added' : is === undefined ? 'removed' : 'changed' }];
  });
}

/** SOLV140: the lock was made from another VSE than this one. For `vsec build --locked`. */
export function describeLockDrift(lock: Lock, vse: Vse): Diagnostic | undefined {
  if (lock.vse.digest === vse.digest) return undefined;
  const { name, version } = lock.vse;
  const drift = optionDrift(lock, vse) ?? [];
  const notes = drift.slice(0, MAX_CHANGES).map((change) => driftNote(change, vse));
  if (drift.length > MAX_CHANGES)
    notes.push({ message: `and ${drift.length - MAX_CHANGES} options more` });
  return error('SOLV140', `the lock does not belong to this environment as it is now`, {
    notes: [
      ...notes,
      { message: `locked: ${name} ${version}, ${lock.vse.digest}` },
      { message: `now: ${vse.name} ${vse.version}, ${vse.digest}` },
    ],
    hint:
      name === vse.name
        ? "a layer has changed since it was locked: bring the lock up to date with 'vsec lock'"
        : "it was made from another environment: make the right one with 'vsec lock'",
  });
}

const WORDS = {
  added: 'is new',
  removed: 'is no longer there',
  changed: 'has another value now',
} as const;

function driftNote({ path, kind }: OptionDrift, vse: Vse): Note {
  const excluded = vse.excluded.find(({ name }) => path === `exclude.packages.${name}`);
  const origin = (excluded?.origins ?? vse.origins.get(path))?.at(-1);
  return { message: `${path} ${WORDS[kind]}`, ...(origin && { span: origin.span }) };
}
