/** Changes of the user's own lines that solve a failure: each one tried before it is named. */
import type { Origin, Vse } from '../vse/types.ts';
import type { ResolveFact } from './failure-chain.ts';
import type { Request } from './requests.ts';
import type { ResolveProblem } from './resolve.ts';
import { solve } from './solver/search.ts';
import type { Universe } from './universe.ts';

/** Changes that are tried, and wrong choices that one trial may take. */
const MAX_TRIALS = 12;
const MAX_CONFLICTS = 500;

interface Remedy {
  /** `remove 'app' (top.yaml:5)` */
  readonly text: string;
  readonly problem: ResolveProblem;
}

/**
 * What could be changed, in words, and would leave a problem that has a solution.
 * @param problem without what other failures are about
 * @param facts why it has no solution
 */
export function remediesFor(
  problem: ResolveProblem,
  facts: readonly ResolveFact[],
  vse: Vse,
  universe: Universe,
): string[] {
  const changes = [
    ...exclusions(problem, facts, vse, universe),
    ...requests(problem, facts, universe),
  ];
  return changes
    .slice(0, MAX_TRIALS)
    .filter(({ problem: changed }) => solve(changed, MAX_CONFLICTS).kind === 'solved')
    .map(({ text }) => text);
}

function exclusions(
  problem: ResolveProblem,
  facts: readonly ResolveFact[],
  vse: Vse,
  universe: Universe,
): Remedy[] {
  const nameOf = (candidate: number): string => universe.info(candidate).name;
  const barred = facts.flatMap((f) => (f.kind === 'forbidden' ? [nameOf(f.candidate)] : []));
  return [...new Set(barred)].map((name) => ({
    text: `take back the exclusion of '${name}'${at(vse.excluded.find((e) => e.name === name)?.origins)}`,
    problem: {
      ...problem,
      forbidden: [...problem.forbidden].filter((candidate) => nameOf(candidate) !== name),
    },
  }));
}

/** Without a request that has part in it, or without one of its relations. */
function requests(
  problem: ResolveProblem,
  facts: readonly ResolveFact[],
  universe: Universe,
): Remedy[] {
  const part = new Set(facts.flatMap((f) => (f.kind === 'request' ? [f.requirement] : [])));
  const blamed = problem.requests.filter((request) => part.has(request));
  const replacing = (request: Request, by: readonly Request[]): ResolveProblem => ({
    ...problem,
    requests: problem.requests.flatMap((one) => (one === request ? by : [one])),
  });
  const looser = blamed.flatMap((request) =>
    request.relations.map((relation): Remedy => {
      const relations = request.relations.filter((one) => one !== relation);
      const candidates = universe.satisfying({ ...request, relations });
      return {
        text: `take back '${request.name} (${relation.operator} ${relation.version})'${at([relation.origin])}`,
        problem: replacing(request, [{ ...request, relations, candidates }]),
      };
    }),
  );
  const without = blamed
    .filter(({ essential, origins }) => !essential && origins.length > 0)
    .map((request) => ({
      text: `remove '${request.name}'${at(request.origins)}`,
      problem: replacing(request, []),
    }));
  return [...looser, ...without];
}

const at = (origins: readonly Origin[] | undefined): string => {
  const span = origins?.at(-1)?.span;
  return span ? ` (${span.file}:${span.line})` : '';
};
