/** Why a package is in a VSE, or why it is not. */
import type { Origin, Vse } from '../vse/types.ts';
import { nearestNames } from './resolve-failure.ts';
import { explainCandidates, explainChoice } from './explain-choice.ts';
import type { ChosenFor, ExplainedCandidate } from './explain-choice.ts';
import { ifRequested, type IfRequested } from './if-requested.ts';
import { Installation } from './installation.ts';
import type { ResolvedVse } from './lock-vse.ts';
import type { ResolvedPackage } from './resolve.ts';
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
  /** Where what the path begins with is asked for; empty when that is an essential package. */
  readonly pathFrom: readonly OriginLine[];
  /** Every version that the repositories have, best first. */
  readonly candidates: readonly ExplainedCandidate[];
  /** What it was chosen for, and what was passed over. */
  readonly chosenFor: ChosenFor | null;
  /** What would leave the image with it. */
  readonly leavesWith: Leaving | null;
  /** What would happen if a layer asked for it; null when it is installed, excluded or unknown. */
  readonly ifRequested: IfRequested | null;
  /** Installed packages that provide the name. */
  readonly providedBy: readonly string[];
  /** When no repository knows the name: those that are nearly like it. */
  readonly similar: readonly string[];
}

export interface Leaving {
  /** Names of packages that cannot do without it. */
  readonly needing: readonly string[];
  /** Names of packages that are there for the sake of these alone. */
  readonly orphaned: readonly string[];
  /** Bytes, installed, with its own. */
  readonly installedSize: number;
}

/** Explains one package of a resolved VSE; one that nobody knows as well. */
export function explainPackage(
  name: string,
  vse: Vse,
  universe: Universe,
  resolution: Pick<ResolvedVse, 'packages' | 'pins'>,
): PackageExplanation {
  const system = new Installation(vse, universe, resolution);
  const found = resolution.packages.find((p) => p.name === name);
  const path = found ? system.shortestPath(found) : [];
  const satisfying = new Set(universe.satisfying({ name, relations: [] }));
  const excluded = vse.excluded.find((exclusion) => exclusion.name === name);
  const removed = vse.removed.find((removal) => removal.name === name);
  const asked = vse.packages.find((request) => request.name === name);
  const unknown = satisfying.size === 0 && universe.versions(name).length === 0;
  const locked = new Set(resolution.pins.map(({ sha256 }) => sha256));
  const providers = resolution.packages.filter(
    (other) => other.name !== name && satisfying.has(other.candidate),
  );
  const absent = !found && !excluded && !unknown && providers.length === 0;
  return {
    package: name,
    installed: found !== undefined,
    version: found?.version ?? null,
    requestedBy: (asked?.origins ?? []).map(lineOf),
    path: path.map((step) => step.name),
    excludedBy: lineOrNull(excluded?.origins.at(-1)),
    removedBy: lineOrNull(removed?.origins.at(-1)),
    reason: found?.reason ?? null,
    layer: found ? (vse.layers[found.stage]?.name ?? null) : null,
    architecture: found?.architecture ?? null,
    repository: found?.repository ?? null,
    suite: found?.suite ?? null,
    size: found?.size ?? null,
    installedSize: found?.installedSize ?? null,
    pathFrom: (path[0]?.requestedBy ?? []).map(lineOf),
    candidates: explainCandidates(name, found, system, locked),
    chosenFor: found ? explainChoice(found, path.at(-2), system) : null,
    leavesWith: found ? leaving(found, system) : null,
    ifRequested: absent ? ifRequested(name, system) : null,
    providedBy: providers.map((other) => other.name),
    similar: unknown ? nearestNames(name, universe.names()) : [],
  };
}

function leaving(found: ResolvedPackage, system: Installation): Leaving {
  const { needing, orphaned } = system.leavingWith(found);
  const names = (packages: readonly ResolvedPackage[]) => packages.map(({ name }) => name).sort();
  const sizes = [found, ...needing, ...orphaned].map(({ installedSize }) => installedSize);
  return {
    needing: names(needing),
    orphaned: names(orphaned),
    installedSize: sizes.reduce((sum, size) => sum + size, 0),
  };
}

const lineOf = ({ layer, verb, span }: Origin): OriginLine => ({
  file: span.file,
  line: span.line,
  layer,
  verb,
});

const lineOrNull = (origin: Origin | undefined): OriginLine | null =>
  origin ? lineOf(origin) : null;
