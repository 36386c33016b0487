/**
 * Where what is preferred for a later requirement cannot be had because of what was chosen for an
 * earlier one, the later choice wins if the earlier requirement has another way: so does apt, which
 * drops what is in the way of a package that it is about to install.
 */
import type { Candidate, Conflict, Outcome, Problem, Requirement } from './problem.ts';
import { solve } from './search.ts';

/** Trials; each one is a search of its own. */
const MAX_TRIALS = 16;

/**
 * Solves, then solves again for the sake of each choice that an earlier one spoilt.
 *
 * @param isBest whether a candidate is what would be taken of its package; a trial that makes a
 *   package take another version than that is no gain
 */
export function solveWithSecondThoughts<
  R extends Requirement,
  C extends Conflict,
  Q extends Requirement = R,
>(problem: Problem<R, C, Q>, isBest: (candidate: Candidate) => boolean): Outcome<R, C, Q> {
  let best = solve(problem);
  const tried = new Set<Candidate>();
  let favoured = problem.favoured ?? [];
  while (best.kind === 'solved' && tried.size < MAX_TRIALS) {
    const rather = best.regrets.find((candidate) => !tried.has(candidate));
    if (rather === undefined) break;
    tried.add(rather);
    const trial = solve({ ...problem, favoured: [...favoured, rather] });
    if (trial.kind !== 'solved') continue;
    const before = new Set(best.chosen);
    const fine = (candidate: Candidate) => before.has(candidate) || isBest(candidate);
    if (!trial.chosen.includes(rather) || !trial.chosen.every(fine)) continue;
    favoured = [...favoured, rather];
    best = trial;
  }
  return best;
}
