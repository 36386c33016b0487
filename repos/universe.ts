/**
 * The packages that could be installed, as the resolver sees them: whatever their format, they
 * are numbered candidates for the solver (solver/problem.ts), with names and versions for people.
 */
import type { RelationOperator } from '../vse/types.ts';
import type { Candidate, Conflict, Constraints, Requirement } from './solver/problem.ts';

export interface PackageInfo {
  readonly name: string;
  readonly version: string;
  /** Of the package file: `all` where it is independent of the architecture. */
  readonly architecture: string;
  /** Name in the VSE. */
  readonly repository: string;
  readonly suite: string;
  /** Hex. */
  readonly sha256: string;
  /** Bytes of the package file. */
  readonly size: number;
  /** Bytes. */
  readonly installedSize: number;
  /** Path below the repository's address. */
  readonly filename: string;
  readonly essential: boolean;
  /** Source package name and version. */
  readonly source: string;
}

/** A requirement, with its words: `depends on libc6 (>= 2.36)`. */
export interface PackageRequirement extends Requirement {
  readonly verb: string;
  readonly target: string;
}

export interface PackageConflict extends Conflict {
  readonly verb: string;
  /** Empty when the two cannot be there together whatever they say: two versions of one package. */
  readonly target: string;
}

/** What a request asks for; every relation must hold. */
export interface Wanted {
  readonly name: string;
  /** The native one when absent. */
  readonly architecture?: string;
  readonly relations: readonly { readonly operator: RelationOperator; readonly version: string }[];
}

export type PackageConstraints = Constraints<PackageRequirement, PackageConflict>;

export interface Universe {
  /** Candidates are numbered below it. */
  readonly size: number;
  /** The native architecture. */
  readonly architecture: string;
  info(candidate: Candidate): PackageInfo;
  /** By version alone, of two candidates of one package. */
  isNewer(candidate: Candidate, than: Candidate): boolean;
  /** What a lock keeps of it, as `LockedPackage.states`. */
  states(candidate: Candidate): Readonly<Record<string, string>>;
  /** All versions of a package, for every architecture, best first. */
  versions(name: string): readonly Candidate[];
  /** What satisfies a request, in order of preference. */
  satisfying(request: Wanted): readonly Candidate[];
  /** The best version of every package that an installation cannot be without. */
  essential(): readonly Candidate[];
  constraints(candidate: Candidate, options: { readonly recommends: boolean }): PackageConstraints;
  /** Every name of a package, or of something that a package provides. */
  names(): Iterable<string>;
}
