/** Random small problems: the solver against trying everything. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate, Constraints, Fact, Problem } from '../../repos/solver/problem.ts';
import { solve } from '../../repos/solver/search.ts';

const MAX_SIZE = 9;

interface Small extends Problem {
  readonly table: readonly Constraints[];
  readonly forbidden: readonly Candidate[];
}

const smallProblem: fc.Arbitrary<Small> = fc.integer({ min: 1, max: MAX_SIZE }).chain((size) => {
  const candidate = fc.nat(size - 1);
  const requirement = fc.record({
    candidates: fc.uniqueArray(candidate, { maxLength: 3 }),
    optional: fc.boolean().map((often) => often && size % 3 === 0),
  });
  const some = fc.record({ candidates: fc.uniqueArray(candidate, { minLength: 1, maxLength: 3 }) });
  const constraints = fc.record({
    requirements: fc.array(requirement, { maxLength: 3 }),
    conflicts: fc.array(fc.record({ candidates: fc.uniqueArray(candidate, { maxLength: 2 }) }), {
      maxLength: 2,
    }),
  });
  return fc
    .record({
      requests: fc.array(some, { minLength: 1, maxLength: 3 }),
      forbidden: fc.uniqueArray(candidate, { maxLength: 1 }),
      table: fc.array(constraints, { minLength: size, maxLength: size }),
    })
    .map((made) => ({
      ...made,
      size,
      table: made.table.map((entry, owner) => ({
        ...entry,
        // A package is never in conflict with itself.
        conflicts: entry.conflicts.map(({ candidates }) => ({
          candidates: candidates.filter((other) => other !== owner),
        })),
      })),
      constraints(of: Candidate) {
        return this.table[of]!;
      },
    }));
});

function isValid(problem: Small, chosen: ReadonlySet<Candidate>): boolean {
  const satisfied = (requirement: { candidates: readonly Candidate[]; optional?: boolean }) =>
    requirement.optional === true || requirement.candidates.some((c) => chosen.has(c));
  return (
    problem.requests.every(satisfied) &&
    problem.forbidden.every((candidate) => !chosen.has(candidate)) &&
    [...chosen].every((candidate) => {
      const { requirements, conflicts } = problem.table[candidate]!;
      return (
        requirements.every(satisfied) &&
        !conflicts.some(({ candidates }) => candidates.some((other) => chosen.has(other)))
      );
    })
  );
}

function* subsets(size: number): Iterable<ReadonlySet<Candidate>> {
  for (let bits = 0; bits < 1 << size; bits++)
    yield new Set(Array.from({ length: size }, (_, i) => i).filter((i) => bits & (1 << i)));
}

const solvable = (problem: Small): boolean => {
  for (const subset of subsets(problem.size)) if (isValid(problem, subset)) return true;
  return false;
};

/** The facts as what they say of a set of candidates. */
const admits = (fact: Fact, chosen: ReadonlySet<Candidate>): boolean => {
  if (fact.kind === 'request') return fact.requirement.candidates.some((c) => chosen.has(c));
  if (!chosen.has(fact.candidate)) return true;
  if (fact.kind === 'forbidden') return false;
  if (fact.kind === 'conflicts') return !chosen.has(fact.other);
  return fact.requirement.candidates.some((c) => chosen.has(c));
};

const contradict = (facts: readonly Fact[]): boolean => {
  for (const subset of subsets(MAX_SIZE)) if (facts.every((f) => admits(f, subset))) return false;
  return true;
};

/** Everything chosen is reached from the requests by way of what is chosen. */
function hasReason(problem: Small, chosen: ReadonlySet<Candidate>): boolean {
  const reached = new Set<Candidate>();
  const queue = problem.requests.flatMap(({ candidates }) => candidates);
  for (let candidate = queue.pop(); candidate !== undefined; candidate = queue.pop()) {
    if (!chosen.has(candidate) || reached.has(candidate)) continue;
    reached.add(candidate);
    queue.push(...problem.table[candidate]!.requirements.flatMap(({ candidates }) => candidates));
  }
  return reached.size === chosen.size;
}

describe('solve', () => {
  const runs = { numRuns: 3000, seed: 20240 };

  it('finds a valid solution exactly when there is one', () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        const outcome = solve(problem);
        expect(outcome.kind).toBe(solvable(problem) ? 'solved' : 'unsolvable');
        if (outcome.kind === 'solved') expect(isValid(problem, new Set(outcome.chosen))).toBe(true);
      }),
      runs,
    );
  });

  it('chooses nothing without a reason, and nothing twice', () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        const outcome = solve(problem);
        if (outcome.kind !== 'solved') return;
        expect(new Set(outcome.chosen).size).toBe(outcome.chosen.length);
        expect(hasReason(problem, new Set(outcome.chosen))).toBe(true);
      }),
      runs,
    );
  });

  it('explains a failure by facts that contradict each other, each of them needed', () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        const outcome = solve(problem);
        if (outcome.kind !== 'unsolvable') return;
        const { facts } = outcome;
        expect(contradict(facts)).toBe(true);
        facts.forEach((fact) => expect(contradict(facts.filter((f) => f !== fact))).toBe(false));
      }),
      { ...runs, numRuns: 300 },
    );
  });

  it('gives the same outcome every time', () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        expect(solve(problem)).toEqual(solve(problem));
      }),
      { ...runs, numRuns: 300 },
    );
  });

  it('gives up after the conflicts that it may have', () => {
    // Pigeons in one hole fewer: hard for clause learning, small enough to state.
    const pigeons = 9;
    const at = (pigeon: number, hole: number): Candidate => pigeon * (pigeons - 1) + hole;
    const holes = Array.from({ length: pigeons - 1 }, (_, hole) => hole);
    const all = Array.from({ length: pigeons }, (_, pigeon) => pigeon);
    const outcome = solve(
      {
        size: pigeons * (pigeons - 1),
        requests: all.map((pigeon) => ({ candidates: holes.map((hole) => at(pigeon, hole)) })),
        forbidden: [],
        constraints: (candidate) => ({
          requirements: [],
          conflicts: [
            {
              candidates: all
                .map((pigeon) => at(pigeon, candidate % (pigeons - 1)))
                .filter((other) => other !== candidate),
            },
          ],
        }),
      },
      100,
    );
    expect(outcome).toEqual({ kind: 'exhausted', conflicts: 101 });
  });
});
