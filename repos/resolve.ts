/** From the merged VSE to the packages that it becomes: which, why, and in which stage. */
import { VsecError, warning, type Diagnostic } from '../vse/diagnostic.ts';
import type { Origin, Vse } from '../vse/types.ts';
import { requestsOf, type Request } from './requests.ts';
import type { ResolveFact } from './failure-chain.ts';
import { remediesFor } from './remedies.ts';
import { explainUnsolvable, searchExhausted, unsatisfiable } from './resolve-failure.ts';
import type { Candidate, Problem } from './solver/problem.ts';
import { solveWithSecondThoughts } from './solver/second-thoughts.ts';
import { assignStages, pathTo, type Placement } from './stages.ts';
import { upgraded, type Solved } from './upgrade.ts';
import type {
  PackageConflict,
  PackageConstraints,
  PackageInfo,
  PackageRequirement,
  Universe,
} from './universe.ts';

export interface ResolvedPackage extends PackageInfo {
  readonly candidate: Candidate;
  /** Index of the lowest layer that needs it. */
  readonly stage: number;
  /** For people: `requested by cfd`, `essential`, `libfoo depends on it`. */
  readonly reason: string;
  /** Where it was asked for by name; empty when it came in for another package's sake. */
  readonly requestedBy: readonly Origin[];
  /** Package names from what was asked for (or is essential) to this one. */
  readonly path: readonly string[];
  /** The one before it on the path. */
  readonly neededBy?: Candidate;
}

export interface Resolution {
  /** By stage, then in the order in which they were found to be needed. */
  readonly packages: readonly ResolvedPackage[];
  readonly warnings: readonly Diagnostic[];
  /** Wrong choices that the solver had to take back. */
  readonly conflicts: number;
}

export interface ResolveOptions {
  /** Take in what the distribution calls essential: for a VSE that is to be a system. */
  readonly essential: boolean;
  /** Names of packages that are to have their best version, if they are needed at all. */
  readonly upgrade?: readonly string[];
}

export type ResolveProblem = Problem<PackageRequirement, PackageConflict, Request>;

/** Failures that are reported at once: each one is found when what made the last is left out. */
const MAX_FAILURES = 5;

/**
 * Chooses the packages of a VSE.
 * @throws SOLV101 to SOLV106 (exit code 1): requests that nothing satisfies, or that cannot hold
 *   together; several when there are several, each with the whole chain of why.
 */
export function resolve(vse: Vse, universe: Universe, options: ResolveOptions): Resolution {
  const requests = requestsOf(vse, universe, options.essential);
  const impossible = requests.flatMap((request) => unsatisfiable(request, universe));
  if (impossible.length > 0) throw new VsecError(impossible);
  const constraints = memoised((candidate) =>
    universe.constraints(candidate, { recommends: vse.config.recommends }),
  );
  const problem: ResolveProblem = {
    size: universe.size,
    requests,
    forbidden: new Set(vse.excluded.flatMap(({ name }) => universe.versions(name))),
    constraints,
  };
  const { chosen, conflicts } = upgraded(
    solveOrExplain(problem, vse, universe),
    problem,
    options.upgrade ?? [],
    universe,
  );
  const placements = assignStages(chosen, requests, constraints);
  const packages = placements.map((placement) => describe(placement, requests, vse, universe));
  return { packages, warnings: stillThere(vse, packages), conflicts };
}

function solveOrExplain(problem: ResolveProblem, vse: Vse, universe: Universe): Solved {
  const isBest = (candidate: Candidate): boolean => bestVersion(candidate, universe) === candidate;
  const failures: Failure[] = [];
  for (let rest = problem; ;) {
    const outcome = solveWithSecondThoughts(rest, isBest);
    if (outcome.kind === 'solved' && failures.length === 0) return outcome;
    if (outcome.kind === 'exhausted' && failures.length === 0)
      throw new VsecError(searchExhausted(outcome.conflicts));
    if (outcome.kind !== 'unsolvable') break;
    const failure = failureOf(outcome.facts, rest, universe);
    failures.push(failure);
    if (failures.length === MAX_FAILURES || !failure.without) break;
    rest = failure.without(rest);
  }
  const told = failures.map((failure): Diagnostic => {
    const others = failures.filter((other) => other !== failure);
    const spared = new Set(
      failure.facts.flatMap((f) => (f.kind === 'request' ? [f.requirement] : [])),
    );
    const alone = others.reduce((all, { without }) => without?.(all, spared) ?? all, problem);
    const remedies = remediesFor(alone, failure.facts, vse, universe);
    return explainUnsolvable(failure.facts, problem.requests, remedies, vse, universe);
  });
  throw new VsecError(told.sort((a, b) => a.notes.length - b.notes.length));
}

interface Failure {
  readonly facts: readonly ResolveFact[];
  /** A problem without what made this failure; absent when nothing can be left out. */
  readonly without?: (problem: ResolveProblem, spared?: ReadonlySet<Request>) => ResolveProblem;
}

function failureOf(
  facts: readonly ResolveFact[],
  problem: ResolveProblem,
  universe: Universe,
): Failure {
  const nameOf = (candidate: Candidate): string => universe.info(candidate).name;
  const barred = facts.flatMap((f) => (f.kind === 'forbidden' ? [nameOf(f.candidate)] : []));
  if (barred.length > 0) {
    const without = (other: ResolveProblem): ResolveProblem => ({
      ...other,
      forbidden: [...other.forbidden].filter((candidate) => !barred.includes(nameOf(candidate))),
    });
    return { facts, without };
  }
  const blamed = facts.flatMap((f) => (f.kind === 'request' ? [f.requirement] : []));
  // Essential packages are not what is wrong, unless nothing else is there to be left out.
  const preferred = blamed.filter(({ essential }) => !essential);
  const may = preferred.length > 0 ? preferred : blamed;
  if (may.length === 0) return { facts };
  return {
    facts,
    without: (other, spared) => {
      const out = may.findLast((request) => !spared?.has(request)) ?? may.at(-1);
      return { ...other, requests: other.requests.filter((one) => one !== out) };
    },
  };
}

/** Of the same package, for the same architecture. */
function bestVersion(candidate: Candidate, universe: Universe): Candidate | undefined {
  const { name, architecture } = universe.info(candidate);
  return universe.versions(name).find((one) => universe.info(one).architecture === architecture);
}

function describe(
  placement: Placement,
  requests: readonly Request[],
  vse: Vse,
  universe: Universe,
): ResolvedPackage {
  const { candidate, stage, parent, verb } = placement;
  const info = universe.info(candidate);
  const asked = requests.filter((request) => request.candidates.includes(candidate));
  const layer = vse.layers[Math.min(...asked.map((request) => request.layer))]?.name;
  let reason = parent
    ? `${universe.info(parent.candidate).name} ${verb} it`
    : `requested by ${layer}`;
  if (asked.some((request) => request.essential)) reason = 'essential';
  else if (asked.length > 0) reason = `requested by ${layer}`;
  return {
    ...info,
    candidate,
    stage,
    reason,
    requestedBy: asked.flatMap((request) => request.origins),
    path: pathTo(placement).map((step) => universe.info(step.candidate).name),
    ...(parent && { neededBy: parent.candidate }),
  };
}

/** A request was taken back, and the package comes in all the same. */
function stillThere(vse: Vse, packages: readonly ResolvedPackage[]): Diagnostic[] {
  const byName = new Map(packages.map((p) => [p.name, p]));
  return vse.removed.flatMap(({ name, origins, requested }) => {
    const found = byName.get(name);
    if (!found) return [];
    const asked = requested.map(({ layer, span }) => ({
      message: `requested by ${layer} here`,
      span,
    }));
    const message = `'${name}' was removed but is installed all the same: ${found.reason}`;
    const span = origins.at(-1)?.span;
    return warning('SOLV120', message, {
      ...(span && { span }),
      notes: [{ message: `brought in by ${found.path.join(' → ')}` }, ...asked],
      hint: `to keep it out whoever needs it, put it under exclude: packages: [${name}]`,
    });
  });
}

function memoised(
  constraints: (candidate: Candidate) => PackageConstraints,
): (candidate: Candidate) => PackageConstraints {
  const known = new Map<Candidate, PackageConstraints>();
  return (candidate) => {
    const found = known.get(candidate) ?? constraints(candidate);
    known.set(candidate, found);
    return found;
  };
}
