/**
 * The order in which things are chosen, and what happens when a choice turns out wrong.
 *
 * Requests are chosen first. Then each one's requirements are satisfied in their order, depth
 * first: by what is chosen already, else by the best candidate that nothing forbids. While that
 * goes well, the result is what a package manager gets that works through dependencies without
 * ever looking back; when it does not, the clauses learn why (clauses.ts), the latest choice that
 * had to do with it is taken back, and the walk goes on from there, better informed.
 *
 * A conclusion of the clauses is never a choice: of `a | b` the first is chosen even if it is
 * known that `b` must come in later. What is concluded to be true gets chosen in the end all the
 * same, since every clause follows from the problem.
 */
import { ClauseSet, negative, positive, type Clause, type NewClause } from './clauses.ts';
import { minimalCore } from './core.ts';
import type { Candidate, Conflict, Fact, Outcome, Problem, Requirement } from './problem.ts';

/** Conflicts after which the search gives up. Real problems need fewer than a hundred. */
export const MAX_CONFLICTS = 50_000;

/** Literals looked at after which it gives up as well: some seconds. Real problems need a tenth. */
const MAX_EFFORT = 30_000_000;

/** A place in the walk: an immutable stack, so that a level can keep it and come back to it. */
interface Place {
  readonly requirements: readonly Requirement[];
  readonly index: number;
  /** Where to go on when these requirements are satisfied. */
  readonly then: Place | undefined;
  /** The requests: what was chosen for one is descended into now. */
  readonly root?: true;
}

/** Solves a problem. Gives the same outcome for the same problem, whatever the machine. */
export function solve<R extends Requirement, C extends Conflict, Q extends Requirement = R>(
  problem: Problem<R, C, Q>,
  maxConflicts = MAX_CONFLICTS,
): Outcome<R, C, Q> {
  const requirementsOf = new Map<Candidate, readonly R[]>();
  const clauses = new ClauseSet<Fact<R, C, Q>>(problem.size, (candidate) => {
    const { requirements, conflicts } = problem.constraints(candidate);
    requirementsOf.set(candidate, requirements);
    return clausesOf(candidate, requirements, conflicts);
  });
  const walk = new Walk(problem, clauses, (candidate) => requirementsOf.get(candidate)!);
  let conflicts = 0;
  const failed = (violated: Clause<Fact<R, C, Q>>): Outcome<R, C, Q> => ({
    kind: 'unsolvable',
    facts: minimalCore(clauses.proof(violated)),
    conflicts,
  });
  for (const clause of givenClauses(problem)) {
    const violated = clauses.add(clause);
    if (violated) return failed(violated);
  }
  for (;;) {
    const violated = clauses.propagate();
    if (violated) {
      const level = clauses.learn(violated);
      if (level === undefined) return failed(violated);
      if (++conflicts > maxConflicts || clauses.effort > MAX_EFFORT)
        return { kind: 'exhausted', conflicts };
      walk.goBack(level);
    } else if (!walk.step()) {
      const { chosen, regrets } = walk;
      return { kind: 'solved', chosen, regrets, conflicts };
    }
  }
}

/** Lengths and places to go back to. */
interface Level {
  readonly place: Place | undefined;
  readonly answered: number;
  readonly chosen: number;
  readonly regrets: number;
}

type Assignment = Pick<ClauseSet<unknown>, 'assume' | 'isTrue' | 'isFalse' | 'isImpossible'>;

/** What has been chosen so far, and where the walk is. */
class Walk {
  readonly chosen: Candidate[] = [];
  readonly regrets: Candidate[] = [];
  readonly #isChosen: Uint8Array;
  readonly #requests: readonly Requirement[];
  readonly #favoured: readonly Candidate[];
  readonly #clauses: Assignment;
  readonly #requirementsOf: (candidate: Candidate) => readonly Requirement[];
  /** Requests that have been chosen for. */
  #answered = 0;
  #place: Place | undefined;
  /** Where each level began. */
  readonly #levels: Level[] = [];

  constructor(
    { size, requests, favoured = [] }: Pick<Problem, 'size' | 'requests' | 'favoured'>,
    clauses: Assignment,
    requirementsOf: (candidate: Candidate) => readonly Requirement[],
  ) {
    this.#isChosen = new Uint8Array(size);
    this.#requests = requests;
    this.#favoured = favoured;
    this.#clauses = clauses;
    this.#requirementsOf = requirementsOf;
    this.#place = { requirements: requests, index: 0, then: undefined, root: true };
  }

  /** Goes on until a choice has to be tried (true) or everything is satisfied (false). */
  step(): boolean {
    const open = (one: Candidate) => !this.#clauses.isTrue(one) && !this.#clauses.isFalse(one);
    const favoured = this.#favoured.find(open);
    if (favoured !== undefined) {
      this.#assume(favoured);
      return true;
    }
    while (this.#answered < this.#requests.length) {
      if (this.#satisfy(this.#requests[this.#answered]!) === 'assumed') return true;
      this.#answered += 1;
    }
    while (this.#place) {
      const { requirements, index, then, root } = this.#place;
      const requirement = requirements[index];
      if (!requirement) {
        this.#place = then;
        continue;
      }
      const before = this.#chosenFor(requirement);
      if (before === undefined && this.#satisfy(requirement) === 'assumed') return true;
      const candidate = this.#chosenFor(requirement);
      const next = { ...this.#place, index: index + 1 };
      const descends = candidate !== undefined && (before === undefined || root);
      this.#place = descends
        ? { requirements: this.#requirementsOf(candidate), index: 0, then: next }
        : next;
    }
    return false;
  }

  /** Forgets what was chosen above a level. */
  goBack(level: number): void {
    const { place, answered, chosen, regrets } = this.#levels[level]!;
    this.#levels.length = level;
    this.#place = place;
    this.#answered = answered;
    this.regrets.length = regrets;
    for (const candidate of this.chosen.splice(chosen)) this.#isChosen[candidate] = 0;
  }

  #chosenFor(requirement: Requirement): Candidate | undefined {
    return requirement.candidates.find((candidate) => this.#isChosen[candidate]);
  }

  /**
   * Chooses the best candidate that is not ruled out. One that is not known to be true is assumed
   * first, and chosen when the walk comes here again. Only what is optional may find none.
   */
  #satisfy(requirement: Requirement): 'assumed' | 'done' {
    if (this.#chosenFor(requirement) !== undefined) return 'done';
    const best = requirement.candidates.find((candidate) => !this.#clauses.isFalse(candidate));
    if (best === undefined) return 'done';
    if (!this.#clauses.isTrue(best)) {
      this.#assume(best);
      return 'assumed';
    }
    const rather = requirement.candidates.find((one) => !this.#clauses.isImpossible(one));
    if (rather !== undefined && rather !== best && !requirement.optional) this.regrets.push(rather);
    this.#isChosen[best] = 1;
    this.chosen.push(best);
    return 'done';
  }

  #assume(candidate: Candidate): void {
    this.#levels.push({
      place: this.#place,
      answered: this.#answered,
      chosen: this.chosen.length,
      regrets: this.regrets.length,
    });
    this.#clauses.assume(candidate);
  }
}

function* givenClauses<R extends Requirement, C extends Conflict, Q extends Requirement>(
  problem: Problem<R, C, Q>,
): Iterable<NewClause<Fact<R, C, Q>>> {
  for (const candidate of problem.forbidden)
    yield { literals: [negative(candidate)], fact: { kind: 'forbidden', candidate } };
  for (const requirement of problem.requests) {
    if (requirement.optional) continue;
    const literals = requirement.candidates.map(positive);
    yield { literals, fact: { kind: 'request', requirement } };
  }
}

function* clausesOf<R extends Requirement, C extends Conflict, Q extends Requirement>(
  candidate: Candidate,
  requirements: readonly R[],
  conflicts: readonly C[],
): Iterable<NewClause<Fact<R, C, Q>>> {
  for (const requirement of requirements) {
    if (requirement.optional) continue;
    const literals = [negative(candidate), ...requirement.candidates.map(positive)];
    yield { literals, fact: { kind: 'requires', candidate, requirement } };
  }
  for (const conflict of conflicts)
    for (const other of conflict.candidates) {
      const literals = [negative(candidate), negative(other)];
      yield { literals, fact: { kind: 'conflicts', candidate, conflict, other } };
    }
}
