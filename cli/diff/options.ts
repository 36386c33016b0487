/** How the options of two states of an environment differ, and by whose line. */
import { explainOption } from '../../vse/explain.ts';
import { lockedOptions } from '../../repos/locked-options.ts';
import type { LockedOption } from '../../repos/lock.ts';
import { OPTIONS } from '../../vse/options.ts';
import type { Origin, TracedVse } from '../../vse/types.ts';
import type { Side } from './sides.ts';

export interface OptionChange {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** As a layer writes them. Absent on the side that has none, and where only digests are kept. */
  readonly from?: unknown;
  readonly to?: unknown;
  /** The line that made it so: of the second side where it has one. */
  readonly origin?: {
    readonly layer: string;
    readonly verb: string;
    readonly file: string;
    readonly line: number;
  };
}

interface Held {
  readonly value: unknown;
  readonly origin: Origin | undefined;
}

/** Of two environments every value; otherwise what locks keep of the options. */
export function diffOptions(a: Side, b: Side): readonly OptionChange[] {
  if (a.vse && b.vse) return diffValues(a.vse, b.vse);
  const [before, after] = [keptOf(a), keptOf(b)];
  if (!before || !after) return [];
  const digests = (kept: Kept) => new Map([...kept].map(([path, { digest }]) => [path, digest]));
  return changes(digests(before), digests(after)).map(({ path, change }) => {
    const [from, to] = [before.get(path), after.get(path)];
    const origin = (to ?? from)?.by;
    return {
      ...{ path, change },
      ...(from?.value !== undefined && { from: from.value }),
      ...(to?.value !== undefined && { to: to.value }),
      ...(origin && { origin }),
    };
  });
}

function diffValues(a: TracedVse, b: TracedVse): readonly OptionChange[] {
  const [before, after] = [heldBy(a), heldBy(b)];
  const texts = (all: ReadonlyMap<string, Held>) =>
    new Map([...all].map(([path, { value }]) => [path, JSON.stringify(value)]));
  const found = changes(texts(before), texts(after));
  return found
    .filter(({ path }) => !sameContent(path, a, b))
    .map(({ path, change }) => {
      const [from, to] = [before.get(path), after.get(path)];
      const origin = to ? to.origin : (b.taken.get(path)?.at(-1) ?? from?.origin);
      return {
        ...{ path, change },
        ...(from && { from: from.value }),
        ...(to && { to: to.value }),
        ...(origin && { origin: lineOf(origin) }),
      };
    });
}

/** Files of the host count by what they hold: the same ones may lie in two checkouts. */
function sameContent(path: string, a: TracedVse, b: TracedVse): boolean {
  const known = Object.keys(a.optionStates).find((of) => path === of || path.startsWith(`${of}.`));
  return known !== undefined && a.optionStates[known]?.digest === b.optionStates[known]?.digest;
}

function changes(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly Pick<OptionChange, 'path' | 'change'>[] {
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((path) => {
    const [from, to] = [before.get(path), after.get(path)];
    if (from === to) return [];
    const change = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed';
    return [{ path, change }];
  });
}

/** Every value of the merged options, by its path. */
function heldBy(vse: TracedVse): Map<string, Held> {
  const found = new Map<string, Held>();
  found.set('name', { value: vse.name, origin: undefined });
  found.set('version', { value: vse.version, origin: undefined });
  for (const key of Object.keys(OPTIONS.fields))
    for (const { path, value, origins } of explainOption(vse, key)?.given ?? [])
      if (value !== undefined) found.set(path, { value, origin: origins.at(-1) });
  for (const { name, origins } of vse.excluded)
    found.set(`exclude.packages.${name}`, { value: name, origin: origins.at(-1) });
  return found;
}

type Kept = ReadonlyMap<string, LockedOption>;

function keptOf({ vse, lock }: Side): Kept | undefined {
  const options = vse ? lockedOptions(vse) : lock?.options;
  return options && new Map(options.map((option) => [option.path, option]));
}

const lineOf = ({ layer, verb, span }: Origin) => ({
  ...{ layer, verb },
  ...{ file: span.file, line: span.line },
});
