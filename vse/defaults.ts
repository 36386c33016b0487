/** What holds when no layer says anything, from the language's one definition. */
import { shapeAt } from './option-path.ts';
import { OPTIONS } from './options.ts';
import { showPath } from './shape.ts';
import type { Path, Shape, Value } from './shape.ts';

/** The default of the option at `path`, which has one. */
export function defaultAt(...path: string[]): Value {
  const value = defaultOf(shapeAt(OPTIONS, path));
  if (value === undefined) throw new Error(`${showPath(path)} has no default`);
  return value;
}

/** Every default at `path` and below it; of entries of records only where `path` names one. */
export function defaultsBelow(
  path: Path,
): readonly { readonly path: Path; readonly value: Value }[] {
  const shape = shapeAt(OPTIONS, path);
  if (shape?.kind === 'struct')
    return Object.keys(shape.fields).flatMap((key) => defaultsBelow([...path, key]));
  const value = defaultOf(shape);
  return value === undefined ? [] : [{ path, value }];
}

const defaultOf = (shape: Shape | undefined): Value | undefined =>
  shape?.kind === 'leaf' || shape?.kind === 'set' ? shape.default : undefined;
