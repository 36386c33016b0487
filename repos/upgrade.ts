/** Moving some packages to their best version, and no others than must be moved for that. */
import { reachable } from './reachable.ts';
import type { Request } from './requests.ts';
import type { ResolveProblem } from './resolve.ts';
import type { Candidate } from './solver/problem.ts';
import { solve } from './solver/search.ts';
import type { Universe } from './universe.ts';

export interface Solved {
  readonly chosen: readonly Candidate[];
  readonly conflicts: number;
}

/**
 * Of what is chosen, the named packages again, before all others: a package that is in the way of
 * their best version gives way.
 */
export function upgraded(
  solved: Solved,
  problem: ResolveProblem,
  names: readonly string[],
  universe: Universe,
): Solved {
  const wishes = solved.chosen.flatMap((candidate): Request[] => {
    const { name, architecture } = universe.info(candidate);
    if (!names.includes(name)) return [];
    const candidates = universe
      .versions(name)
      .filter((other) => universe.info(other).architecture === architecture);
    return [wish(name, candidates)];
  });
  if (wishes.length === 0) return solved;
  const outcome = solve({ ...problem, requests: [...wishes, ...problem.requests] });
  if (outcome.kind !== 'solved') return solved;
  const there = new Set(outcome.chosen);
  const asked = problem.requests.flatMap(({ candidates }) =>
    candidates.filter((c) => there.has(c)),
  );
  const needed = reachable(asked, (candidate) =>
    problem.constraints(candidate).requirements.map(({ candidates }) => ({
      candidates: candidates.filter((one) => there.has(one)),
    })),
  );
  return { ...outcome, chosen: outcome.chosen.filter((candidate) => needed.has(candidate)) };
}

const wish = (name: string, candidates: readonly Candidate[]): Request => ({
  ...{ name, candidates, relations: [], origins: [], layer: 0, essential: false },
  ...{ optional: true, verb: 'is upgraded to', target: name },
});
