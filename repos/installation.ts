/** A resolved VSE as a graph: what needs what, what is in the way of what, what leaves with what. */
import type { Vse } from '../vse/types.ts';
import { reachable } from './reachable.ts';
import { requestsOf, type Request } from './requests.ts';
import type { Resolution, ResolvedPackage } from './resolve.ts';
import type { Candidate } from './solver/problem.ts';
import type { PackageConstraints, PackageRequirement, Universe } from './universe.ts';

export class Installation {
  readonly vse: Vse;
  readonly universe: Universe;
  readonly packages: readonly ResolvedPackage[];
  readonly requests: readonly Request[];
  readonly #byCandidate: ReadonlyMap<Candidate, ResolvedPackage>;

  constructor(vse: Vse, universe: Universe, { packages }: Pick<Resolution, 'packages'>) {
    this.vse = vse;
    this.universe = universe;
    this.packages = packages;
    this.requests = requestsOf(vse, universe, true);
    this.#byCandidate = new Map(packages.map((found) => [found.candidate, found]));
  }

  installed(candidate: Candidate): ResolvedPackage | undefined {
    return this.#byCandidate.get(candidate);
  }

  constraints(candidate: Candidate): PackageConstraints {
    return this.universe.constraints(candidate, { recommends: this.vse.config.recommends });
  }

  /** The installed packages that satisfy a requirement. */
  satisfying({ candidates }: Pick<PackageRequirement, 'candidates'>): ResolvedPackage[] {
    return candidates.flatMap((candidate) => this.installed(candidate) ?? []);
  }

  /**
   * The fewest steps from something that a layer asks for, else from an essential package; both
   * ends included.
   */
  shortestPath(to: ResolvedPackage): readonly ResolvedPackage[] {
    const asked = this.packages.filter(({ requestedBy }) => requestedBy.length > 0);
    const essential = this.packages.filter(({ reason }) => reason === 'essential');
    return this.#path(asked, to) ?? this.#path(essential, to) ?? [to];
  }

  #path(
    from: readonly ResolvedPackage[],
    to: ResolvedPackage,
  ): readonly ResolvedPackage[] | undefined {
    const before = new Map<ResolvedPackage, ResolvedPackage | undefined>(
      from.map((root) => [root, undefined]),
    );
    for (const [found] of before) {
      if (found === to) break;
      for (const requirement of this.constraints(found.candidate).requirements)
        for (const next of this.satisfying(requirement))
          if (!before.has(next)) before.set(next, found);
    }
    if (!before.has(to)) return undefined;
    const path = [to];
    for (let at = before.get(to); at; at = before.get(at)) path.unshift(at);
    return path;
  }

  /**
   * What would have to go if a package went: those that cannot do without it, and those that are
   * there for their sake alone.
   */
  leavingWith(found: ResolvedPackage): {
    readonly needing: readonly ResolvedPackage[];
    readonly orphaned: readonly ResolvedPackage[];
  } {
    const gone = new Set([found]);
    const stays = (one: ResolvedPackage): boolean => !gone.has(one);
    for (let size = 0; size < gone.size;) {
      size = gone.size;
      for (const other of this.packages.filter(stays))
        if (this.#lacks(other, stays)) gone.add(other);
    }
    const roots = this.requests.flatMap((request) => this.satisfying(request).filter(stays));
    const needed = reachable(
      roots.map(({ candidate }) => candidate),
      (candidate) =>
        this.constraints(candidate).requirements.map((requirement) => ({
          candidates: this.satisfying(requirement)
            .filter(stays)
            .map((one) => one.candidate),
        })),
    );
    return {
      needing: [...gone].filter((one) => one !== found),
      orphaned: this.packages.filter((one) => stays(one) && !needed.has(one.candidate)),
    };
  }

  #lacks(other: ResolvedPackage, stays: (one: ResolvedPackage) => boolean): boolean {
    return this.constraints(other.candidate).requirements.some(
      (requirement) => !requirement.optional && !this.satisfying(requirement).some(stays),
    );
  }
}
