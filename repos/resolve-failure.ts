/** Why a VSE has no packages that satisfy it, told from the user's own lines on. */
import { distance } from 'fastest-levenshtein';
import { error, type Diagnostic, type Note } from '../vse/diagnostic.ts';
import type { Vse } from '../vse/types.ts';
import type { Request } from './requests.ts';
import { listed, tellChain, titleOf, type ResolveFact } from './failure-chain.ts';
import type { Universe } from './universe.ts';

const MAX_NEAR_NAMES = 3;
const MAX_NOTES = 24;

/** A request that nothing satisfies even by itself: SOLV101 unknown, SOLV102 no such version. */
export function unsatisfiable(request: Request, universe: Universe): Diagnostic[] {
  if (request.candidates.length > 0) return [];
  const { name, target, origins, relations, architecture } = request;
  const span = (relations.at(-1)?.origin ?? origins.at(-1))?.span;
  const others = universe.versions(name);
  if (others.length === 0 && universe.satisfying({ name, relations: [] }).length === 0) {
    const near = nearestNames(name, universe.names());
    const hint =
      near.length > 0
        ? `did you mean ${near.map((n) => `'${n}'`).join(' or ')}?`
        : 'if it is in another suite or component, add that to the repository';
    return [error('SOLV101', `there is no package '${name}'`, { ...(span && { span }), hint })];
  }
  const notes: Note[] = relations.map(({ operator, version, origin }) => ({
    message: `${origin.layer} asks for ${operator} ${version}`,
    span: origin.span,
  }));
  for (const candidate of others) {
    const forWhich = architecture ? ` for ${universe.info(candidate).architecture}` : '';
    notes.push({ message: `there is ${titleOf(candidate, universe)}${forWhich}` });
  }
  return [
    error('SOLV102', `no version of '${name}' satisfies '${target}'`, {
      ...(span && { span }),
      notes,
      hint: 'loosen the relation, or add a repository or suite that has such a version',
    }),
  ];
}

/** The names with the fewest edits from a misspelt one, or one edit more; nearest first. */
export function nearestNames(name: string, names: Iterable<string>): string[] {
  const most = Math.max(1, Math.floor(name.length / 3));
  const near = new Map<string, number>();
  for (const candidate of names) {
    if (Math.abs(candidate.length - name.length) > most) continue;
    const edits = distance(name, candidate);
    if (edits <= most) near.set(candidate, edits);
  }
  const fewest = Math.min(...near.values());
  return [...near]
    .filter(([, edits]) => edits <= fewest + 1)
    .sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
    .slice(0, MAX_NEAR_NAMES)
    .map(([found]) => found);
}

export const searchExhausted = (conflicts: number): Diagnostic =>
  error('SOLV106', `no solution found after ${conflicts} wrong choices`, {
    hint: 'ask for fewer alternatives at once: request the packages that you mean by name',
  });

/**
 * SOLV103 requests that conflict, SOLV104 an exclusion of what is needed, SOLV105 something needed
 * that is nowhere.
 *
 * @param facts a minimal contradiction
 * @param requests in the order in which they are told
 * @param remedies changes that were tried and solve it
 */
export function explainUnsolvable(
  facts: readonly ResolveFact[],
  requests: readonly Request[],
  remedies: readonly string[],
  vse: Vse,
  universe: Universe,
): Diagnostic {
  const { asked, excluded, missing, notes } = tellChain(facts, requests, vse, universe);
  const hint = hintOf(remedies);
  const shown = notes.slice(0, MAX_NOTES);
  if (notes.length > MAX_NOTES)
    shown.push({ message: `and ${notes.length - MAX_NOTES} facts more` });
  const [barred] = excluded;
  if (barred !== undefined) return excludedButNeeded(barred, asked, shown, hint, vse);
  const names = asked.map(({ name }) => `'${name}'`);
  const span = notes.find((note) => note.span)?.span;
  const details = { ...(span && { span }), notes: shown, hint };
  if (names.length > 1)
    return error('SOLV103', `${listed(names)} cannot be installed together`, details);
  if (missing !== undefined)
    return error('SOLV105', `${listed(names)} cannot be installed: ${missing}`, {
      ...details,
      hint: `add the suite or repository that has it; or ${hint}`,
    });
  return error('SOLV103', `${listed(names)} cannot be installed`, details);
}

/** One change, or several of which each is enough. */
function hintOf(remedies: readonly string[]): string {
  const [only, second] = remedies;
  if (only === undefined)
    return 'change several of the lines above: no change of a single one solves it';
  return second === undefined
    ? `${only}: that solves it`
    : `any one of these solves it: ${remedies.join('; ')}`;
}

function excludedButNeeded(
  barred: string,
  asked: readonly Request[],
  notes: readonly Note[],
  hint: string,
  vse: Vse,
): Diagnostic {
  const span = vse.excluded.find(({ name }) => name === barred)?.origins.at(-1)?.span;
  const itself = asked.find(({ name }) => name === barred);
  const names = listed(asked.map(({ name }) => `'${name}'`));
  const why = itself
    ? itself.essential
      ? 'every installation has it'
      : 'a layer asks for it'
    : `${names} cannot do without it`;
  return error('SOLV104', `'${barred}' is excluded, but ${why}`, {
    ...(span && { span }),
    notes,
    hint,
  });
}
