/** What the merge says when a verb cannot be carried out. */
import type { Held } from './cells.ts';
import type { Note, Span } from './diagnostic.ts';
import type { Findings } from './findings.ts';
import type { SetStatement } from './layer.ts';
import { describeRequest } from './merge-packages.ts';
import { nearest } from './nearest.ts';
import { shorten } from './node.ts';
import { showPath } from './shape.ts';
import type { Path } from './shape.ts';
import type { Origin } from './types.ts';

/** What a cell holds, as its layer wrote it. */
export function describeHeld(held: Held): string {
  const { content } = held;
  if (content.type === 'value') return content.text;
  return content.type === 'entry' ? '{}' : describeRequest([...content.relations.values()]);
}

/** A path with its value as a layer nests it: `image: {size: 6GiB}`. */
export function showNested(path: Path, text: string): string {
  return path.reduceRight((inner, key, i) => {
    const pair = `${shorten(key)}: ${inner}`;
    return i === 0 ? pair : `{${pair}}`;
  }, text);
}

const last = (origins: readonly Origin[]): Origin => origins.at(-1)!;

/** `add` of what has another value; `there` is where, `held` what. */
export function reportExists(
  { path, text, span }: SetStatement,
  there: Path,
  held: Held,
  findings: Findings,
): void {
  const instead = there.at(-1) === path.at(-1) ? '' : `, and excludes '${path.at(-1)}'`;
  findings.error('VSE050', `'${showPath(there)}' has a value already${instead}`, {
    span,
    notes: held.origins.map((o) => ({
      message: `set to '${describeHeld(held)}' by layer '${o.layer}' (${o.verb})`,
      span: o.span,
    })),
    hint:
      last(held.origins).span.file === span.file
        ? 'Give it once in this layer.'
        : `To give it another value, put '${showNested(path, text)}' under 'override'.`,
  });
}

/** `override` or `remove` of what no lower layer gives; `siblings` are the names that are there. */
export function reportNothing(
  verb: 'override' | 'remove',
  path: Path,
  span: Span,
  siblings: Iterable<string>,
  removal: Origin | undefined,
  findings: Findings,
): void {
  const what = showPath(path);
  const near = nearest(path.at(-1)!, siblings);
  const notes: Note[] = removal
    ? [{ message: `taken away by layer '${removal.layer}'`, span: removal.span }]
    : [];
  const [code, does] =
    verb === 'override' ? ['VSE051', 'gives it a value'] : ['VSE052', 'asks for it'];
  findings.error(code, `There is no '${what}' to ${verb}: no lower layer ${does}`, {
    span,
    notes,
    hint:
      near !== undefined
        ? `Did you mean '${showPath([...path.slice(0, -1), near])}'?`
        : hintForNothing(verb, path),
  });
}

function hintForNothing(verb: 'override' | 'remove', path: Path): string {
  if (verb === 'override') return "What the environment does not have yet goes under 'add'.";
  return path[0] === 'packages'
    ? "If it comes in as a dependency, 'exclude' is what keeps it out."
    : 'There is nothing to take away: this line can go.';
}

export function reportProtected(
  span: Span,
  guard: { readonly path: Path; readonly origin: Origin },
  held: Held | undefined,
  findings: Findings,
): void {
  const { layer } = guard.origin;
  const set = held && last(held.origins);
  findings.error('VSE053', `'${showPath(guard.path)}' is protected by layer '${layer}'`, {
    span,
    notes: [
      { message: 'protected here', span: guard.origin.span },
      ...(set ? [{ message: `its value comes from layer '${set.layer}'`, span: set.span }] : []),
    ],
    hint: `Take this out, or talk to whoever keeps layer '${layer}': protection is its policy.`,
  });
}
