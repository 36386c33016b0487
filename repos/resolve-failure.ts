/** Why a VSE has no packages that satisfy it, told from the user's own lines on. */
import { distance } from 'fastest-levenshtein';
import { error, type Diagnostic, type Note } from '../vse/diagnostic.ts';
import type { Vse } from '../vse/types.ts';
import type { Request } from './requests.ts';
import type { Candidate, Fact } from './solver/problem.ts';
import type { PackageConflict, PackageRequirement, Universe } from './universe.ts';

export type ResolveFact = Fact<PackageRequirement, PackageConflict, Request>;

const MAX_NEAR_NAMES = 3;
const MAX_NOTES = 24;

/** A request that nothing satisfies even by itself: SOLV101 unknown, SOLV102 no such version. */
export function unsatisfiable(request: Request, universe: Universe): Diagnostic[] {
  if (request.candidates.length > 0) return [];
  const { name, target, origins, relations } = request;
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
  for (const candidate of others) notes.push({ message: `there is ${title(candidate, universe)}` });
  return [
    error('SOLV102', `no version of '${name}' satisfies '${target}'`, {
      ...(span && { span }),
      notes,
      hint: 'loosen the relation, or add a repository or suite that has such a version',
    }),
  ];
}

/** The names with the fewest edits from a misspelt one, nearest first. */
export function nearestNames(name: string, names: Iterable<string>): string[] {
  const most = Math.max(1, Math.floor(name.length / 3));
  const near = new Map<string, number>();
  for (const candidate of names) {
    if (Math.abs(candidate.length - name.length) > most) continue;
    const edits = distance(name, candidate);
    if (edits <= most) near.set(candidate, edits);
  }
  return [...near]
    .sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
    .slice(0, MAX_NEAR_NAMES)
    .map(([found]) => found);
}

export const searchExhausted = (conflicts: number): Diagnostic =>
  error('SOLV106', `no solution found after ${conflicts} wrong choices`, {
    hint: 'ask for fewer alternatives at once: request the packages that you mean by name',
  });

/** SOLV103 conflicting requests, SOLV104 exclusion of what is needed, SOLV105 needed but missing. */
export function explainUnsolvable(
  facts: readonly ResolveFact[],
  vse: Vse,
  universe: Universe,
): Diagnostic {
  const chain = new Chain(facts, vse, universe);
  const { requested, excluded, missing, notes } = chain;
  const shown =
    notes.length <= MAX_NOTES
      ? notes
      : [...notes.slice(0, MAX_NOTES), { message: `and ${notes.length - MAX_NOTES} facts more` }];
  const [barred] = excluded;
  if (barred !== undefined) {
    const span = vse.excluded.find(({ name }) => name === barred)?.origins.at(-1)?.span;
    const direct = requested.includes(barred);
    const needed = requested.join(' and ');
    return error(
      'SOLV104',
      direct
        ? `'${barred}' is both requested and excluded`
        : `'${barred}' is excluded, but ${needed} cannot do without it`,
      {
        ...(span && { span }),
        notes: shown,
        hint: direct
          ? `take it out of one of the two`
          : `take back the exclusion of '${barred}', or remove ${needed}`,
      },
    );
  }
  const span = chain.firstSpan;
  const details = { ...(span && { span }), notes: shown };
  if (missing !== undefined && requested.length <= 1)
    return error('SOLV105', `'${requested[0]}' cannot be installed: ${missing}`, {
      ...details,
      hint: 'add the suite or repository that has it, or another version of the package',
    });
  const [first, ...others] = requested;
  const message =
    others.length === 0
      ? `'${first}' cannot be installed`
      : `${requested.map((name) => `'${name}'`).join(', ')} cannot be installed together`;
  return error('SOLV103', message, {
    ...details,
    hint: others.length === 0 ? 'ask for another version, or remove it' : 'remove one of them',
  });
}

const title = (candidate: Candidate, universe: Universe): string => {
  const { name, version, repository, suite } = universe.info(candidate);
  return `${name} ${version} (${repository} ${suite})`;
};

/** The facts in an order in which each follows from one before: from requests to what is needed. */
class Chain {
  readonly notes: Note[] = [];
  /** Names of the requests that have part in it. */
  readonly requested: string[] = [];
  /** Names of the excluded packages that have part in it. */
  readonly excluded: string[] = [];
  missing: string | undefined;
  readonly #universe: Universe;
  readonly #vse: Vse;

  constructor(facts: readonly ResolveFact[], vse: Vse, universe: Universe) {
    this.#universe = universe;
    this.#vse = vse;
    const queue: Candidate[] = [];
    for (const fact of facts) {
      if (fact.kind !== 'request') continue;
      this.#request(fact.requirement);
      queue.push(...fact.requirement.candidates);
    }
    const seen = new Set<Candidate>();
    for (let candidate = queue.shift(); candidate !== undefined; candidate = queue.shift()) {
      if (seen.has(candidate)) continue;
      seen.add(candidate);
      for (const fact of facts) {
        if (fact.kind === 'request' || fact.candidate !== candidate) continue;
        this.#tell(fact);
        if (fact.kind === 'requires') queue.push(...fact.requirement.candidates);
      }
    }
  }

  get firstSpan(): Note['span'] {
    return this.notes.find((note) => note.span)?.span;
  }

  #request({ name, target, origins, essential }: Request): void {
    this.requested.push(name);
    if (origins.length === 0 || essential)
      this.notes.push({ message: `'${name}' is essential: every installation has it` });
    for (const { layer, span } of origins.slice(-1))
      this.notes.push({ message: `${layer} asks for ${target}`, span });
  }

  #tell(fact: Exclude<ResolveFact, { kind: 'request' }>): void {
    const about = title(fact.candidate, this.#universe);
    if (fact.kind === 'forbidden') {
      const { name } = this.#universe.info(fact.candidate);
      if (this.excluded.includes(name)) return;
      this.excluded.push(name);
      const origin = this.#vse.excluded
        .find((exclusion) => exclusion.name === name)
        ?.origins.at(-1);
      const by = origin ? ` by ${origin.layer}` : '';
      this.notes.push({
        message: `'${name}' is excluded${by}`,
        ...(origin && { span: origin.span }),
      });
    } else if (fact.kind === 'requires') {
      const { verb, target, candidates } = fact.requirement;
      const told = `${about} ${verb} ${target}`;
      if (candidates.length === 0) this.missing = `it needs ${target}, which no repository has`;
      this.notes.push({
        message: candidates.length === 0 ? `${told}, which no repository has` : told,
      });
    } else {
      const { verb, target } = fact.conflict;
      const other = title(fact.other, this.#universe);
      this.notes.push({
        message:
          target === '' ? `${about} ${verb} ${other}` : `${about} ${verb} ${target}: ${other}`,
      });
    }
  }
}
