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

/**
 * Walks from the requests of each layer, lowest first and breadth first, over what was chosen.
 * Where several chosen packages satisfy a requirement, the one that is there already does.
 *
 * @returns every chosen candidate, by stage, then in the order of the walk
 */
export function assignStages(
  chosen: readonly Candidate[],
  requests: readonly Request[],
  constraints: (candidate: Candidate) => PackageConstraints,
): Placement[] {
  const available = new Set(chosen);
  const placed = new Map<Candidate, Placement>();
  const queue: Placement[] = [];
  const place = (placement: Placement): void => {
    if (placed.has(placement.candidate)) return;
    placed.set(placement.candidate, placement);
    queue.push(placement);
  };
  const walk = (): void => {
    for (let parent = queue.shift(); parent; parent = queue.shift()) {
      const { stage } = parent;
      for (const { candidates, verb } of constraints(parent.candidate).requirements) {
        if (candidates.some((candidate) => placed.has(candidate))) continue;
        const candidate = candidates.find((c) => available.has(c));
        if (candidate !== undefined) place({ candidate, stage, parent, verb });
      }
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
    if (placed.has(candidate)) continue;
    place(secondSatisfier(candidate, [...placed.values()], constraints));
    walk();
  }
  return [...placed.values()].sort((a, b) => a.stage - b.stage);
}

function secondSatisfier(
  candidate: Candidate,
  placed: readonly Placement[],
  constraints: (candidate: Candidate) => PackageConstraints,
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
