/**
 * Debian packages of several repositories and suites as one universe. Relations mean what Debian
 * Policy 7 and dpkg say they mean; preferences among what satisfies them are apt's.
 */
import { compareVersions } from '../../vse/deb-version.ts';
import type { Candidate } from '../solver/problem.ts';
import type {
  PackageConflict,
  PackageConstraints,
  PackageInfo,
  PackageRequirement,
  Universe,
  Wanted,
} from '../universe.ts';
import { statedBy } from './locked-source.ts';
import {
  PackageTable,
  relationsOf,
  type DebPackage,
  type DebSource,
  type Kept,
} from './package-table.ts';
import {
  admits,
  formatAlternatives,
  formatRelation,
  type Alternatives,
  type Relation,
} from './relation.ts';

const PRIORITIES = ['required', 'important', 'standard', 'optional', 'extra'];

export class DebUniverse implements Universe {
  readonly #table: PackageTable;

  /**
   * @param sources in order of preference where priority and version are equal
   * @param architecture the native one
   * @param kept what is preferred to all others, whatever its version
   */
  constructor(sources: readonly DebSource[], architecture: string, kept?: Kept) {
    this.#table = new PackageTable(sources, architecture, kept);
  }

  get size(): number {
    return this.#table.size;
  }

  get architecture(): string {
    return this.#table.architecture;
  }

  info(candidate: Candidate): PackageInfo {
    const { name, version, record, source } = this.#table.package(candidate);
    return {
      name,
      version,
      architecture: record.architecture,
      repository: source.repository,
      suite: source.suite,
      sha256: record.sha256,
      size: Number(record.size),
      installedSize: Number(record['installed-size']) * 1024,
      filename: record.filename.replace(/^\.\//, ''),
      essential: record.essential === 'yes',
      source: sourceOf(name, version, record.source),
    };
  }

  versions(name: string): readonly Candidate[] {
    return this.#table.named(name).map((found) => found.candidate);
  }

  isNewer(candidate: Candidate, than: Candidate): boolean {
    const [a, b] = [candidate, than].map((one) => this.#table.package(one).version);
    return compareVersions(a!, b!) > 0;
  }

  states(candidate: Candidate): Readonly<Record<string, string>> {
    return statedBy(this.#table.package(candidate));
  }

  satisfying({ name, architecture = this.architecture, relations }: Wanted): readonly Candidate[] {
    const wanted: readonly Relation[] = [{ name }, ...relations.map((r) => ({ ...r, name }))];
    const own = this.#table.named(name).filter((found) => found.architecture === architecture);
    if (own.length > 0) {
      const fitting = own.filter((found) => wanted.every((r) => admits(r, found.version)));
      return fitting.map((found) => found.candidate);
    }
    const [first = [], ...rest] = wanted.map((r) => this.#satisfying([r], architecture));
    return first.filter((candidate) => rest.every((others) => others.includes(candidate)));
  }

  essential(): readonly Candidate[] {
    return [...this.#table.essentialNames()].flatMap((name) => {
      const native = (found: DebPackage) => found.architecture === this.architecture;
      const best = this.#table.named(name).find(native);
      return best?.record.essential === 'yes' ? [best.candidate] : [];
    });
  }

  names(): Iterable<string> {
    return this.#table.names();
  }

  constraints(candidate: Candidate, options: { recommends: boolean }): PackageConstraints {
    const owner = this.#table.package(candidate);
    const requirements = [
      ...this.#requirements(owner, 'pre-depends', 'pre-depends on'),
      ...this.#requirements(owner, 'depends', 'depends on'),
    ];
    if (options.recommends)
      for (const requirement of this.#requirements(owner, 'recommends', 'recommends'))
        requirements.push({ ...requirement, optional: true });
    return {
      requirements,
      conflicts: [
        ...this.#conflicts(owner, 'conflicts', 'conflicts with'),
        ...this.#conflicts(owner, 'breaks', 'breaks'),
        ...this.#siblings(owner),
      ],
    };
  }

  #requirements(
    owner: DebPackage,
    field: 'pre-depends' | 'depends' | 'recommends',
    verb: string,
  ): PackageRequirement[] {
    return relationsOf(owner, field).map((alternatives) => ({
      candidates: this.#satisfying(alternatives, owner.architecture),
      verb,
      target: formatAlternatives(alternatives),
    }));
  }

  /**
   * What satisfies alternatives that a package of this architecture states, best first: what is
   * kept of an earlier solution, then what apt would install by itself, then other versions.
   */
  #satisfying(alternatives: Alternatives, architecture: string): Candidate[] {
    const sorted = alternatives.flatMap((relation) =>
      this.#matching(relation, architecture).sort((a, b) =>
        this.#compareProviders(relation.name, a, b),
      ),
    );
    const pinned = sorted.filter((found) => this.#table.isPinned(found));
    const best = sorted.filter((found) => this.#table.isBest(found));
    const kept = best.filter((found) => this.#table.isKept(found));
    return [...new Set([...pinned, ...kept, ...best, ...sorted].map((found) => found.candidate))];
  }

  #matching(relation: Relation, architecture: string): DebPackage[] {
    const { name, qualifier } = relation;
    const wanted = qualifier === 'native' ? this.architecture : (qualifier ?? architecture);
    const fits = (found: DebPackage): boolean => {
      if (qualifier === 'any') return found.record['multi-arch'] === 'allowed';
      if (found.architecture === wanted) return true;
      return qualifier === undefined && found.record['multi-arch'] === 'foreign';
    };
    const real = this.#table
      .named(name)
      .filter((found) => fits(found) && admits(relation, found.version));
    const provided = this.#providers(relation).filter(
      (found) => fits(found) || (qualifier === 'any' && provides(found, name, 'any')),
    );
    return [...new Set([...real, ...provided])];
  }

  /** Packages, of any architecture, that provide what the relation asks for. */
  #providers(relation: Relation): DebPackage[] {
    return this.#table
      .providing(relation.name)
      .filter((found) =>
        relationsOf(found, 'provides').some(
          ([provided]) => provided!.name === relation.name && admits(relation, provided!.version),
        ),
      );
  }

  /** The order in which apt tries what satisfies a relation on `target`. */
  #compareProviders(target: string, a: DebPackage, b: DebPackage): number {
    const prefer = (test: (found: DebPackage) => boolean): number =>
      Number(test(b)) - Number(test(a));
    const byName = (): number =>
      a.name === b.name
        ? b.source.priority - a.source.priority || compareVersions(b.version, a.version)
        : this.#table.firstMention(b.name) - this.#table.firstMention(a.name);
    return (
      prefer((found) => found.name === target) ||
      prefer((found) => found.record.essential === 'yes') ||
      prefer((found) => found.record.protected === 'yes') ||
      prefer((found) => found.architecture === this.architecture) ||
      priorityOf(a) - priorityOf(b) ||
      byName() ||
      a.candidate - b.candidate
    );
  }

  /** A package is never in conflict with itself, by whatever name. */
  #conflicts(owner: DebPackage, field: 'conflicts' | 'breaks', verb: string): PackageConflict[] {
    return relationsOf(owner, field).flatMap(([relation]) => {
      const { name, qualifier } = relation!;
      const wanted = qualifier === 'native' ? this.architecture : qualifier;
      const real = this.#table.named(name).filter((found) => admits(relation!, found.version));
      const candidates = [...real, ...this.#providers(relation!)]
        .filter((found) => found.name !== owner.name)
        .filter((found) => !wanted || wanted === 'any' || found.architecture === wanted)
        .map((found) => found.candidate);
      if (candidates.length === 0) return [];
      return [{ candidates: [...new Set(candidates)], verb, target: formatRelation(relation!) }];
    });
  }

  /** Other versions of the package; of other architectures all that are not its very equal. */
  #siblings(owner: DebPackage): PackageConflict[] {
    const coinstallable = (other: DebPackage): boolean =>
      other.architecture !== owner.architecture &&
      other.version === owner.version &&
      other.record['multi-arch'] === 'same' &&
      owner.record['multi-arch'] === 'same';
    const candidates = this.#table
      .named(owner.name)
      .filter((other) => other !== owner && !coinstallable(other))
      .map((other) => other.candidate);
    if (candidates.length === 0) return [];
    return [{ candidates, verb: 'cannot be installed together with', target: '' }];
  }
}

const provides = (found: DebPackage, name: string, qualifier: string): boolean =>
  relationsOf(found, 'provides').some(
    ([provided]) => provided!.name === name && provided!.qualifier === qualifier,
  );

function priorityOf(found: DebPackage): number {
  const at = PRIORITIES.indexOf(found.record.priority);
  return at < 0 ? PRIORITIES.length : at;
}

/** `Source: glibc (2.36-9)`; the package's own name and version where it says nothing. */
function sourceOf(name: string, version: string, field: string): string {
  const match = /^(\S+)(?:\s*\((.+)\))?$/.exec(field);
  return `${match?.[1] ?? name} ${match?.[2] ?? version}`;
}
