/** Whether a lock still belongs to an environment, and if not, what has changed since. */
import { error, type Diagnostic, type Note } from '../vse/diagnostic.ts';
import { shorten } from '../vse/node.ts';
import type { Vse } from '../vse/types.ts';
import type { Lock } from './lock.ts';

const MAX_CHANGES = 12;

export interface OptionDrift {
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  /** Where it changed and the lock keeps it, as a layer writes it. */
  readonly was?: unknown;
}

/** Options that differ from the state that was locked; undefined when the lock does not know. */
export function optionDrift(lock: Lock, vse: Vse): readonly OptionDrift[] | undefined {
  if (!lock.options) return undefined;
  const before = new Map(lock.options.map((option) => [option.path, option]));
  const now = new Map(Object.entries(vse.optionStates));
  return [...new Set([...before.keys(), ...now.keys()])].sort().flatMap((path): OptionDrift[] => {
    const [was, is] = [before.get(path), now.get(path)];
    if (was?.digest === is?.digest) return [];
    if (!was) return [{ path, kind: 'added' }];
    if (!is) return [{ path, kind: 'removed' }];
    return [{ path, kind: 'changed', ...(was.value !== undefined && { was: was.value }) }];
  });
}

/** SOLV140: the lock was made from another VSE than this one. For `vsec build --locked`. */
export function describeLockDrift(lock: Lock, vse: Vse): Diagnostic | undefined {
  const { architecture } = vse.config.distribution;
  if (lock.vse.digest === vse.digest && lock.distribution.architecture === architecture)
    return undefined;
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

function driftNote({ path, kind, was }: OptionDrift, vse: Vse): Note {
  const excluded = vse.excluded.find(({ name }) => path === `exclude.packages.${name}`);
  const origin = (excluded?.origins ?? vse.origins.get(path))?.at(-1);
  const before = was === undefined ? '' : `; it was ${shorten(JSON.stringify(was), 60)}`;
  return { message: `${path} ${WORDS[kind]}${before}`, ...(origin && { span: origin.span }) };
}
