/**
 * Why there is no solution, in as few facts as possible: from the facts that a proof used, each
 * one is left out that the contradiction does not need.
 */
import { candidateOf, ClauseSet, type Clause, type NewClause } from './clauses.ts';
import type { Candidate } from './problem.ts';

/** Conflicts that one trial may take; a fact whose trial takes more is kept. */
const MAX_TRIAL_CONFLICTS = 2000;
/** Literals that all trials may look at together; then the rest is kept as it is. */
const MAX_EFFORT = 30_000_000;

/** A minimal subset that has no solution, unless that takes too long; the order is kept. */
export function minimalCore<F>(proof: readonly Clause<F>[]): F[] {
  let core = proof;
  const budget = { effort: MAX_EFFORT };
  for (let size = core.length; size >= 1; size = Math.floor(size / 2))
    core = withoutNeedless(core, size, budget);
  return core.map((clause) => clause.fact!);
}

/**
 * Leaves out every run of so many clauses that the contradiction does not need. From the end: what
 * was asked for comes first and is what a person wants to read about.
 */
function withoutNeedless<F>(
  core: readonly Clause<F>[],
  size: number,
  budget: Budget,
): readonly Clause<F>[] {
  let kept = core;
  for (let end = core.length; end > 0 && budget.effort > 0; end -= size) {
    const start = Math.max(0, end - size);
    const without = [...kept.slice(0, start), ...kept.slice(end)];
    if (without.length > 0 && contradicts(without, budget)) kept = without;
  }
  return kept;
}

interface Budget {
  effort: number;
}

function contradicts<F>(given: readonly Clause<F>[], budget: Budget): boolean {
  const numbers = new Map<Candidate, number>();
  const renumber = (literal: number): number => {
    const candidate = candidateOf(literal);
    const number = numbers.get(candidate) ?? numbers.size;
    numbers.set(candidate, number);
    return number * 2 + (literal & 1);
  };
  const renumbered = given.map(({ literals, fact }) => ({
    literals: literals.map(renumber),
    fact: fact!,
  }));
  const clauses = new ClauseSet<F>(numbers.size, () => []);
  try {
    return isContradiction(clauses, renumbered, numbers.size, budget.effort);
  } finally {
    budget.effort -= given.length + clauses.effort;
  }
}

function isContradiction<F>(
  clauses: ClauseSet<F>,
  given: readonly NewClause<F>[],
  size: number,
  maxEffort: number,
): boolean {
  for (const clause of given) if (clauses.add(clause)) return true;
  for (let conflicts = 0; conflicts < MAX_TRIAL_CONFLICTS && clauses.effort < maxEffort;) {
    const violated = clauses.propagate();
    if (violated) {
      if (clauses.learn(violated) === undefined) return true;
      conflicts += 1;
      continue;
    }
    let open = 0;
    while (open < size && (clauses.isTrue(open) || clauses.isFalse(open))) open += 1;
    if (open === size) return false;
    clauses.assume(open);
  }
  return false;
}
