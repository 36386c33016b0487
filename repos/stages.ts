/**
 * In which stage each package of a solution belongs, and what brought it in. A package belongs to
 * the lowest layer whose requests, together with those below, need it.
 */
import type { Candidate } from './solver/problem.ts';
import type { Request } from './requests.ts';
import type { PackageConstraints } from './universe.ts';

export interface Placement {
  readonly candidate: Candidate;
  readonly stage: number;
  /** What it was needed for; absent when it was asked for, or is essential. */
  readonly parent?: Placement;
  /** How the parent needs it: `depends on`. */
  readonly verb?: string;
}

type ConstraintsOf = (candidate: Candidate) => PackageConstraints;

/** A requirement that several chosen packages satisfy. */
interface Open {
  readonly parent: Placement;
  readonly verb: string;
  readonly satisfying: readonly Candidate[];
}

/**
 * Walks from the requests of each layer, lowest first and breadth first, over what was chosen.
 * Where several chosen packages satisfy a requirement, one that is there for another reason will
 * do, and one that only a higher layer asks for comes last: what a layer adds changes the stages
 * below as little as can be.
 *
 * @returns every chosen candidate, by stage, then in the order of the walk
 */
export function assignStages(
  chosen: readonly Candidate[],
  requests: readonly Request[],
  constraints: ConstraintsOf,
): Placement[] {
  const available = new Set(chosen);
  const placed = new Map<Candidate, Placement>();
  const queue: Placement[] = [];
  const open: Open[] = [];
  const place = (placement: Placement): void => {
    if (placed.has(placement.candidate)) return;
    placed.set(placement.candidate, placement);
    queue.push(placement);
  };
  const isPlaced = (candidate: Candidate): boolean => placed.has(candidate);
  const askedAbove = (candidate: Candidate, stage: number): boolean =>
    requests.some(({ layer, candidates }) => layer > stage && candidates.includes(candidate));
  const descend = (parent: Placement): void => {
    for (const { candidates, verb } of constraints(parent.candidate).requirements) {
      const satisfying = candidates.filter((candidate) => available.has(candidate));
      const [only, second] = satisfying;
      if (only === undefined || satisfying.some(isPlaced)) continue;
      if (second !== undefined) open.push({ parent, verb, satisfying });
      else place({ candidate: only, stage: parent.stage, parent, verb });
    }
  };
  const settle = ({ parent, verb, satisfying }: Open): void => {
    const { stage } = parent;
    if (satisfying.some(isPlaced)) return;
    const candidate = satisfying.find((one) => !askedAbove(one, stage)) ?? satisfying[0]!;
    place({ candidate, stage, parent, verb });
  };
  const walk = (): void => {
    while (queue.length > 0 || open.length > 0) {
      const next = queue.shift();
      if (next) descend(next);
      else settle(open.shift()!);
    }
  };
  const layers = [...new Set(requests.map((request) => request.layer))].sort((a, b) => a - b);
  for (const stage of layers) {
    for (const request of requests.filter(({ layer }) => layer === stage)) {
      const candidate = request.candidates.find((c) => available.has(c));
      if (candidate !== undefined) place({ candidate, stage });
    }
    walk();
  }
  // What a choice needed that another package turned out to satisfy as well.
  for (const candidate of chosen) {
    if (isPlaced(candidate)) continue;
    place(secondSatisfier(candidate, [...placed.values()], constraints));
    walk();
  }
  return [...placed.values()].sort((a, b) => a.stage - b.stage);
}

function secondSatisfier(
  candidate: Candidate,
  placed: readonly Placement[],
  constraints: ConstraintsOf,
): Placement {
  for (const parent of placed)
    for (const { candidates, verb } of constraints(parent.candidate).requirements)
      if (candidates.includes(candidate)) return { candidate, stage: parent.stage, parent, verb };
  return { candidate, stage: Math.max(0, ...placed.map(({ stage }) => stage)) };
}

/** From what was asked for (or is essential) to the placement, both included. */
export function pathTo(placement: Placement): Placement[] {
  const path = [placement];
  for (let parent = placement.parent; parent; parent = parent.parent) path.unshift(parent);
  return path;
}
