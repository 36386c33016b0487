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

/** A place in the walk: an immutable stack, so that a level can keep it and come back to it. */
interface Place {
  readonly requirements: readonly Requirement[];
  readonly index: number;
  /** Where to go on when these requirements are satisfied. */
  readonly then: Place | undefined;
  /** The requests: what was chosen for one is descended into now. */
  readonly root?: true;
}

/** Where a level began. */
interface Checkpoint {
  readonly place: Place | undefined;
  readonly requests: number;
  readonly chosen: number;
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
  const failed = (violated: Clause<Fact<R, C, Q>>): Outcome<R, C, Q> => ({
    kind: 'unsolvable',
    facts: minimalCore(clauses.proof(violated)),
    conflicts,
  });
  let conflicts = 0;
  for (const clause of givenClauses(problem)) {
    const violated = clauses.add(clause);
    if (violated) return failed(violated);
  }

  const chosen: Candidate[] = [];
  const isChosen = new Uint8Array(problem.size);
  const checkpoints: Checkpoint[] = [];
  let requests = 0;
  let place: Place | undefined = {
    requirements: problem.requests,
    index: 0,
    then: undefined,
    root: true,
  };

  const choose = (candidate: Candidate): void => {
    isChosen[candidate] = 1;
    chosen.push(candidate);
  };
  const assume = (candidate: Candidate): void => {
    checkpoints.push({ place, requests, chosen: chosen.length });
    clauses.assume(candidate);
  };
  const goBack = (level: number): void => {
    const checkpoint = checkpoints[level]!;
    checkpoints.length = level;
    ({ place, requests } = checkpoint);
    for (const candidate of chosen.splice(checkpoint.chosen)) isChosen[candidate] = 0;
  };
  const best = (requirement: Requirement): Candidate | undefined =>
    requirement.candidates.find((candidate) => !clauses.isFalse(candidate));

  for (;;) {
    const violated = clauses.propagate();
    if (violated) {
      const level = clauses.learn(violated);
      if (level === undefined) return failed(violated);
      if (++conflicts > maxConflicts) return { kind: 'exhausted', conflicts };
      goBack(level);
      continue;
    }
    if (requests < problem.requests.length) {
      const request = problem.requests[requests]!;
      const candidate = request.candidates.some((c) => isChosen[c]) ? undefined : best(request);
      if (candidate !== undefined && !clauses.isTrue(candidate)) assume(candidate);
      else {
        if (candidate !== undefined) choose(candidate);
        requests += 1;
      }
      continue;
    }
    if (!place) return { kind: 'solved', chosen, conflicts };
    const requirement: Requirement | undefined = place.requirements[place.index];
    if (!requirement) {
      place = place.then;
      continue;
    }
    const satisfied = requirement.candidates.find((candidate) => isChosen[candidate]);
    const candidate = satisfied ?? best(requirement);
    if (candidate !== undefined && satisfied === undefined && !clauses.isTrue(candidate)) {
      assume(candidate);
      continue;
    }
    const next: Place = { ...place, index: place.index + 1 };
    const descends = candidate !== undefined && (satisfied === undefined || place.root === true);
    if (candidate !== undefined && satisfied === undefined) choose(candidate);
    place = descends
      ? { requirements: requirementsOf.get(candidate)!, index: 0, then: next }
      : next;
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
