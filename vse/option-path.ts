/**
 * Option paths as people write them, `files./etc/motd.content`, and their parts. Names in a record
 * may hold dots themselves, so a text can be read in several ways; all are given, the likeliest
 * first.
 */
import { suggestion } from './nearest.ts';
import { PACKAGE } from './names.ts';
import type { Path, Shape } from './shape.ts';

/** Longer than any file's path with the keys around it; what follows tries every dot. */
const MAX_LENGTH = 5000;

/** How `text` can be read below `shape`; the longest names first. Empty when it cannot. */
export function readPath(shape: Shape, text: string): readonly Path[] {
  if (text.length > MAX_LENGTH) return [];
  switch (shape.kind) {
    case 'leaf':
      return [];
    case 'packages': {
      const name = PACKAGE.read(text);
      return 'value' in name ? [[name.value]] : [];
    }
    case 'set':
      return text === '' ? [] : [[text]];
    case 'struct': {
      const dot = text.indexOf('.');
      const key = dot < 0 ? text : text.slice(0, dot);
      const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
      if (!field) return [];
      if (dot < 0) return [[key]];
      return readPath(field, text.slice(dot + 1)).map((rest) => [key, ...rest]);
    }
    case 'record': {
      const paths: Path[] = [];
      for (let end = text.length; end > 0; end = text.lastIndexOf('.', end - 1)) {
        const key = shape.key.read(text.slice(0, end));
        if (!('value' in key)) continue;
        if (end === text.length) paths.push([key.value]);
        else
          for (const rest of readPath(shape.of, text.slice(end + 1)))
            paths.push([key.value, ...rest]);
      }
      return paths;
    }
  }
}

/** The shape at `path`; undefined for an element of a set and for what the language has not. */
export function shapeAt(root: Shape, path: Path): Shape | undefined {
  let shape: Shape | undefined = root;
  for (const key of path) {
    if (shape?.kind === 'struct')
      shape = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
    else shape = shape?.kind === 'record' ? shape.of : undefined;
  }
  return shape;
}

/** What may be meant by a path that the language has not; `above` is the part that it has. */
export function pathHint(shape: Shape, text: string, above = ''): string | undefined {
  if (shape.kind !== 'struct') return undefined;
  const dot = text.indexOf('.');
  const key = dot < 0 ? text : text.slice(0, dot);
  const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
  if (field) return dot < 0 ? undefined : pathHint(field, text.slice(dot + 1), `${above}${key}.`);
  const known = Object.keys(shape.fields);
  return suggestion(
    above + key,
    known.map((name) => above + name),
  );
}
