/**
 * What the solver is asked. It knows candidates by number only: neither package names, versions
 * nor formats. Every clause that it learns from a problem carries the {@link Fact} that it came
 * from, so that a failure can be told in the terms of whoever made the problem.
 */

/** One version of one package: a number from 0 to `Problem.size` - 1. */
export type Candidate = number;

/** Something that must be there: any one of the candidates will do. */
export interface Requirement {
  /** In order of preference. */
  readonly candidates: readonly Candidate[];
  /** When true it is satisfied if that is possible at no cost to anything that is not optional. */
  readonly optional?: boolean;
}

/** What may not be there together with the candidate that states it. */
export interface Conflict {
  readonly candidates: readonly Candidate[];
}

export interface Constraints<R extends Requirement = Requirement, C extends Conflict = Conflict> {
  /** In the order in which they are to be satisfied. */
  readonly requirements: readonly R[];
  readonly conflicts: readonly C[];
}

/** `R` and `C` are what packages state, `Q` what is asked for. */
export interface Problem<
  R extends Requirement = Requirement,
  C extends Conflict = Conflict,
  Q extends Requirement = R,
> {
  readonly size: number;
  /** What is asked for, in the order in which it is to be satisfied. */
  readonly requests: readonly Q[];
  readonly forbidden: Iterable<Candidate>;
  /** Taken to be possible before anything is chosen, so that nothing else is chosen against them. */
  readonly favoured?: readonly Candidate[];
  /** Asked once for each candidate that comes into play. */
  constraints(candidate: Candidate): Constraints<R, C>;
}

/** Why a clause holds. */
export type Fact<
  R extends Requirement = Requirement,
  C extends Conflict = Conflict,
  Q extends Requirement = R,
> =
  | { readonly kind: 'request'; readonly requirement: Q }
  | { readonly kind: 'requires'; readonly candidate: Candidate; readonly requirement: R }
  | {
      readonly kind: 'conflicts';
      readonly candidate: Candidate;
      readonly conflict: C;
      readonly other: Candidate;
    }
  | { readonly kind: 'forbidden'; readonly candidate: Candidate };

export type Outcome<
  R extends Requirement = Requirement,
  C extends Conflict = Conflict,
  Q extends Requirement = R,
> =
  | {
      readonly kind: 'solved';
      /** In the order in which they were chosen. */
      readonly chosen: readonly Candidate[];
      /** What would have been chosen, had not something else been chosen before. */
      readonly regrets: readonly Candidate[];
      readonly conflicts: number;
    }
  | {
      readonly kind: 'unsolvable';
      /** These cannot hold together, and without any one of them the rest can. */
      readonly facts: readonly Fact<R, C, Q>[];
      readonly conflicts: number;
    }
  | { readonly kind: 'exhausted'; readonly conflicts: number };
