/** Why a package is in a VSE, or why it is not. */
import type { Origin, Vse } from '../vse/types.ts';
import { nearestNames } from './resolve-failure.ts';
import type { Resolution, ResolvedPackage } from './resolve.ts';
import type { Candidate } from './solver/problem.ts';
import type { Universe } from './universe.ts';

/** A line of a layer. Lines count from 1. */
export interface OriginLine {
  readonly file: string;
  readonly line: number;
  readonly layer: string;
  readonly verb: string;
}

/** What `vsec explain --json PACKAGE` prints: the fields up to `excludedBy` are a contract. */
export interface PackageExplanation {
  readonly package: string;
  readonly installed: boolean;
  /** Null when it is not installed. */
  readonly version: string | null;
  readonly requestedBy: readonly OriginLine[];
  /** Names from a request (or an essential package) to the package; empty when not installed. */
  readonly path: readonly string[];
  readonly excludedBy: OriginLine | null;
  /** Where a request of a lower layer was taken back. */
  readonly removedBy: OriginLine | null;
  readonly reason: string | null;
  /** Name of the layer whose stage it belongs to. */
  readonly layer: string | null;
  readonly architecture: string | null;
  readonly repository: string | null;
  readonly suite: string | null;
  /** Bytes of the package file. */
  readonly size: number | null;
  /** Bytes. */
  readonly installedSize: number | null;
  /** Every version that the repositories have, best first. */
  readonly candidates: readonly {
    readonly version: string;
    readonly architecture: string;
    readonly repository: string;
    readonly suite: string;
  }[];
  /** The relation that it was chosen for, and the names that were passed over. */
  readonly chosenFor: { readonly relation: string; readonly passedOver: readonly string[] } | null;
  /** Installed packages that provide the name. */
  readonly providedBy: readonly string[];
  /** When no repository knows the name: those that are nearly like it. */
  readonly similar: readonly string[];
}

/** Explains one package of a resolved VSE; one that nobody knows as well. */
export function explainPackage(
  name: string,
  vse: Vse,
  universe: Universe,
  resolution: Resolution,
): PackageExplanation {
  const found = resolution.packages.find((p) => p.name === name);
  const candidates = universe.versions(name);
  const satisfying = new Set(universe.satisfying({ name, relations: [] }));
  const excluded = vse.excluded.find((exclusion) => exclusion.name === name);
  const removed = vse.removed.find((removal) => removal.name === name);
  const asked = vse.packages.find((request) => request.name === name);
  const unknown = satisfying.size === 0 && candidates.length === 0;
  return {
    package: name,
    installed: found !== undefined,
    version: found?.version ?? null,
    requestedBy: (asked?.origins ?? []).map(lineOf),
    path: found?.path ?? [],
    excludedBy: lineOrNull(excluded?.origins.at(-1)),
    removedBy: lineOrNull(removed?.origins.at(-1)),
    reason: found?.reason ?? null,
    layer: found ? (vse.layers[found.stage]?.name ?? null) : null,
    architecture: found?.architecture ?? null,
    repository: found?.repository ?? null,
    suite: found?.suite ?? null,
    size: found?.size ?? null,
    installedSize: found?.installedSize ?? null,
    candidates: candidates.map((candidate) => {
      const { version, architecture, repository, suite } = universe.info(candidate);
      return { version, architecture, repository, suite };
    }),
    chosenFor: found ? chosenFor(found, vse, universe) : null,
    providedBy: resolution.packages
      .filter((other) => other.name !== name && satisfying.has(other.candidate))
      .map((other) => other.name),
    similar: unknown ? nearestNames(name, universe.names()) : [],
  };
}

function chosenFor(
  found: ResolvedPackage,
  vse: Vse,
  universe: Universe,
): PackageExplanation['chosenFor'] {
  if (found.neededBy === undefined) return null;
  const { recommends } = vse.config;
  const { requirements } = universe.constraints(found.neededBy, { recommends });
  const requirement = requirements.find(({ candidates }) => candidates.includes(found.candidate));
  if (!requirement) return null;
  const nameOf = (candidate: Candidate): string => universe.info(candidate).name;
  const names = new Set(requirement.candidates.map(nameOf));
  names.delete(found.name);
  return { relation: `${requirement.verb} ${requirement.target}`, passedOver: [...names] };
}

const lineOf = ({ layer, verb, span }: Origin): OriginLine => ({
  file: span.file,
  line: span.line,
  layer,
  verb,
});

const lineOrNull = (origin: Origin | undefined): OriginLine | null =>
  origin ? lineOf(origin) : null;
