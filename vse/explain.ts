/** Why an option is what it is, or why it is not there. */
import { defaultsBelow } from './defaults.ts';
import { nearest } from './nearest.ts';
import { pathHint, readPath, shapeAt } from './option-path.ts';
import { OPTIONS } from './options.ts';
import { showPath } from './shape.ts';
import type { Path, Value } from './shape.ts';
import { describeHeld } from './merge-messages.ts';
import { writtenValue } from './show.ts';
import type { HeldOption, Origin, TracedVse } from './types.ts';

export interface ExplainedValue {
  readonly path: string;
  /** As a layer writes it; absent for an entry that holds values of its own. */
  readonly value?: Value;
  /** Newest last. */
  readonly origins: readonly Origin[];
}

export interface OptionExplanation {
  /** The path that was meant, in its canonical form. */
  readonly path: string;
  /** What the option is for. */
  readonly doc: string;
  /** What is given at the path and below it; empty when no layer gives it. */
  readonly given: readonly ExplainedValue[];
  /** What holds at the path and below it where no layer gives anything. */
  readonly defaults: readonly Omit<ExplainedValue, 'origins'>[];
  /** What a layer took away there; the removal is the last of the origins. */
  readonly taken: readonly ExplainedValue[];
  /** Layers that let no higher one change it. */
  readonly protectedBy: readonly Origin[];
}

/**
 * The chain of origins of the option `text`, such as `image.size` or `files./etc/motd`. Undefined
 * when the language has no such option; see `suggestOption`.
 */
export function explainOption(vse: TracedVse, text: string): OptionExplanation | undefined {
  const path = likeliest(readPath(OPTIONS, text), vse);
  if (!path) return undefined;
  const shown = showPath(path);
  return {
    path: shown,
    doc: shapeAt(OPTIONS, path)?.doc ?? shapeAt(OPTIONS, path.slice(0, -1))?.doc ?? '',
    given: vse.held.filter((h) => startsWith(h.path, path)).map(explained),
    defaults: defaultsBelow(path)
      .filter((one) => !vse.held.some((h) => startsWith(h.path, one.path)))
      .map((one) => ({ path: showPath(one.path), value: writtenValue(one.path, one.value) })),
    taken: [...vse.taken]
      .filter(([taken]) => taken === shown || taken.startsWith(`${shown}.`))
      .map(([taken, origins]) => ({ path: taken, origins })),
    protectedBy: vse.protections
      .filter((p) => startsWith(path, p.path) || startsWith(p.path, path))
      .map((p) => p.origin),
  };
}

/** What may be meant by an option that there is not: the nearest one given, or the nearest word. */
export function suggestOption(vse: TracedVse, text: string): string | undefined {
  const near = nearest(text, vse.origins.keys());
  return near === undefined ? pathHint(OPTIONS, text) : `Did you mean '${near}'?`;
}

function explained({ path, content, origins }: HeldOption): ExplainedValue {
  const shown = { path: showPath(path), origins };
  if (content.type === 'entry') return shown;
  if (content.type === 'value') return { ...shown, value: writtenValue(path, content.value) };
  return { ...shown, value: describeHeld({ content, origins: [...origins], layer: 0 }) };
}

/** Of several readings the one of which most is there: `files./etc/motd.mode` is a file's mode. */
function likeliest(paths: readonly Path[], { held }: TracedVse): Path | undefined {
  const known = (path: Path): number =>
    Math.max(
      ...path.map((_, i) => (held.some((h) => startsWith(h.path, path.slice(0, i + 1))) ? i : -1)),
    );
  return paths.toSorted((a, b) => known(b) - known(a))[0];
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.length <= path.length && prefix.every((key, i) => key === path[i]);
}
