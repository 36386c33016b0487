/** What keeps a candidate from being installed beside what is installed, in words. */
import { titleOf } from './failure-chain.ts';
import type { Installation } from './installation.ts';
import type { Candidate } from './solver/problem.ts';

/** Dependencies that are followed to find what is in the way. */
const MAX_DEPTH = 4;

/**
 * Why a candidate could not be added, or put in place of another version of itself; undefined when
 * nothing is in its way.
 */
export function obstacleTo(
  candidate: Candidate,
  system: Installation,
  depth = 0,
): string | undefined {
  return (
    excluded(candidate, system) ??
    unfit(candidate, system) ??
    inConflict(candidate, system) ??
    lacking(candidate, system, depth)
  );
}

function excluded(candidate: Candidate, { universe, vse }: Installation): string | undefined {
  const { name } = universe.info(candidate);
  const exclusion = vse.excluded.find((one) => one.name === name);
  return exclusion && `excluded by ${exclusion.origins.at(-1)?.layer}`;
}

/** Somebody asks for another version: a layer, or what is installed. */
function unfit(candidate: Candidate, system: Installation): string | undefined {
  const { name } = system.universe.info(candidate);
  const replaced = system.packages.find((found) => found.name === name);
  if (!replaced || replaced.candidate === candidate) return undefined;
  const fits = (candidates: readonly Candidate[]): boolean =>
    candidates.includes(candidate) || !candidates.includes(replaced.candidate);
  const request = system.requests.find(({ candidates }) => !fits(candidates));
  if (request) return `${request.origins.at(-1)?.layer ?? 'the system'} asks for ${request.target}`;
  for (const owner of system.packages)
    for (const requirement of system.constraints(owner.candidate).requirements) {
      const others = system.satisfying(requirement).filter((one) => one !== replaced);
      if (fits(requirement.candidates) || others.length > 0 || requirement.optional) continue;
      return `${titleOf(owner.candidate, system.universe)} ${requirement.verb} ${requirement.target}`;
    }
  return undefined;
}

function inConflict(candidate: Candidate, system: Installation): string | undefined {
  const { name } = system.universe.info(candidate);
  const about = titleOf(candidate, system.universe);
  for (const { candidates, verb, target } of system.constraints(candidate).conflicts) {
    const [other] = system.satisfying({ candidates });
    if (other && other.name !== name)
      return `${about} ${verb} ${target}: ${titleOf(other.candidate, system.universe)} is installed`;
  }
  for (const other of system.packages)
    for (const { candidates, verb, target } of system.constraints(other.candidate).conflicts)
      if (other.name !== name && candidates.includes(candidate))
        return `${titleOf(other.candidate, system.universe)}, which is installed, ${verb} ${target}`;
  return undefined;
}

/** Something that it needs is not there and cannot come. */
function lacking(candidate: Candidate, system: Installation, depth: number): string | undefined {
  if (depth >= MAX_DEPTH) return undefined;
  for (const requirement of system.constraints(candidate).requirements) {
    const { candidates, verb, target, optional } = requirement;
    if (optional || system.satisfying(requirement).length > 0) continue;
    const needs = `${titleOf(candidate, system.universe)} ${verb} ${target}`;
    if (candidates.length === 0) return `${needs}, which no repository has`;
    const obstacles = candidates.map((one) => obstacleTo(one, system, depth + 1));
    const [first] = obstacles;
    if (first !== undefined && obstacles.every((one) => one !== undefined))
      return `${needs}; ${first}`;
  }
  return undefined;
}
