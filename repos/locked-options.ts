/** What a lock keeps of the options: enough to say later how they have changed, and by whose line. */
import { basename, dirname, relative } from 'node:path';
import type { Origin, Vse } from '../vse/types.ts';
import type { LockedOption } from './lock.ts';

/** Every option of the VSE, by its path in order. */
export function lockedOptions(vse: Vse): LockedOption[] {
  const packages = new Map(
    vse.packages.map(({ name, architecture, origins }) => [
      `packages.${architecture === undefined ? name : `${name}:${architecture}`}`,
      origins,
    ]),
  );
  const excluded = new Map(
    vse.excluded.map(({ name, origins }) => [`exclude.packages.${name}`, origins]),
  );
  return Object.keys(vse.optionStates)
    .sort()
    .map((path) => {
      const origins = packages.get(path) ?? excluded.get(path) ?? vse.origins.get(path);
      const origin = (origins ?? oldestFirst(elements(path, vse), vse)).at(-1);
      return {
        path,
        ...vse.optionStates[path]!,
        ...(origin && { by: lineOf(origin, vse) }),
      };
    });
}

/** The origins of the elements of a set. */
const elements = (path: string, { origins }: Vse): readonly Origin[] =>
  [...origins].flatMap(([at, found]) => (at.startsWith(`${path}.`) ? found : []));

function oldestFirst(origins: readonly Origin[], { layers }: Vse): readonly Origin[] {
  const height = new Map(layers.map(({ name }, i) => [name, i]));
  return origins.toSorted((a, b) => height.get(a.layer)! - height.get(b.layer)!);
}

/** The same wherever the layers lie, and from whatever folder they are locked. */
function lineOf({ layer, verb, span }: Origin, { layers }: Vse): NonNullable<LockedOption['by']> {
  const near = relative(dirname(layers.at(-1)?.file ?? ''), span.file);
  const isAddress = /^[a-z+]+:/.test(span.file);
  const file = isAddress ? span.file : near.startsWith('..') ? basename(near) : near;
  return { layer, verb, file, line: span.line };
}
