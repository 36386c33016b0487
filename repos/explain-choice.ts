/** Why this version and this package, and none of the others that there are. */
import type { Installation } from './installation.ts';
import { obstacleTo } from './obstacles.ts';
import type { ResolvedPackage } from './resolve.ts';
import type { Candidate } from './solver/problem.ts';
import type { PackageInfo } from './universe.ts';

export interface ExplainedCandidate extends Pick<
  PackageInfo,
  'version' | 'architecture' | 'repository' | 'suite'
> {
  readonly chosen: boolean;
  /** Why it was chosen, or why not. */
  readonly why: string;
}

/**
 * Every version of a package, best first.
 * @param found the installed one, if any
 * @param locked SHA-256 of the packages that a lock keeps
 */
export function explainCandidates(
  name: string,
  found: ResolvedPackage | undefined,
  system: Installation,
  locked: ReadonlySet<string>,
): ExplainedCandidate[] {
  const { universe } = system;
  return universe.versions(name).map((candidate) => {
    const { version, architecture, repository, suite } = universe.info(candidate);
    const chosen = candidate === found?.candidate;
    const why = !found
      ? (obstacleTo(candidate, system) ?? 'nothing is in its way')
      : chosen
        ? whyChosen(found, system, locked)
        : whyNot(candidate, found, system, locked);
    return { version, architecture, repository, suite, chosen, why };
  });
}

function whyChosen(
  found: ResolvedPackage,
  { universe }: Installation,
  locked: ReadonlySet<string>,
): string {
  if (locked.has(found.sha256)) return 'the lock has it';
  const others = universe.versions(found.name).filter((one) => one !== found.candidate);
  if (others.length === 0) return 'there is no other';
  if (others.some((one) => universe.isNewer(one, found.candidate)))
    return 'the best that everything else allows';
  return 'the newest';
}

function whyNot(
  candidate: Candidate,
  found: ResolvedPackage,
  system: Installation,
  locked: ReadonlySet<string>,
): string {
  const { universe } = system;
  const { architecture } = universe.info(candidate);
  if (architecture !== found.architecture) return 'for another architecture';
  const obstacle = obstacleTo(candidate, system);
  if (obstacle !== undefined) return obstacle;
  const newer = universe.isNewer(candidate, found.candidate);
  if (locked.has(found.sha256) && newer)
    return `the lock has ${found.version}: 'vsec lock --upgrade ${found.name}' takes it`;
  if (newer) return 'its repository has a lower priority';
  return universe.isNewer(found.candidate, candidate) ? 'older' : 'the same, listed later';
}

export interface ChosenFor {
  /** `libcurl4 depends on libssh2-1 (>= 1.2.6)` */
  readonly relation: string;
  readonly passedOver: readonly { readonly name: string; readonly why: string }[];
}

/** What a package was chosen for, and what would have done as well. */
export function explainChoice(
  found: ResolvedPackage,
  neededBy: ResolvedPackage | undefined,
  system: Installation,
): ChosenFor | null {
  const { universe } = system;
  const needs = neededBy && system.constraints(neededBy.candidate).requirements;
  const requirement = (needs ?? system.requests).find(({ candidates }) =>
    candidates.includes(found.candidate),
  );
  if (!requirement) return null;
  const who = neededBy?.name ?? 'a layer';
  const at = requirement.candidates.indexOf(found.candidate);
  const passedOver = new Map<string, string>();
  requirement.candidates.forEach((candidate, index) => {
    const { name } = universe.info(candidate);
    if (name === found.name || passedOver.has(name)) return;
    passedOver.set(name, whyOver(candidate, index < at, found, system));
  });
  if (!neededBy && passedOver.size === 0) return null;
  return {
    relation: `${who} ${requirement.verb} ${requirement.target}`,
    passedOver: [...passedOver].map(([name, why]) => ({ name, why })),
  };
}

function whyOver(
  candidate: Candidate,
  preferred: boolean,
  found: ResolvedPackage,
  system: Installation,
): string {
  if (system.installed(candidate)) return 'is installed as well';
  const obstacle = obstacleTo(candidate, system);
  if (obstacle !== undefined) return obstacle;
  return preferred
    ? 'what it needs does not go together with the rest'
    : `would do, but ${found.name} comes first in the order of preference`;
}
