/**
 * Debian packages of several repositories and suites as one universe. Relations mean what Debian
 * Policy 7 and dpkg say they mean; preferences among what satisfies them are apt's.
 */
import { compareVersions } from '../../vse/deb-version.ts';
import { failure } from '../../vse/diagnostic.ts';
import type { Candidate } from '../solver/problem.ts';
import type {
  PackageConflict,
  PackageConstraints,
  PackageInfo,
  PackageRequirement,
  Universe,
  Wanted,
} from '../universe.ts';
import type { IndexFile, PackageRecord } from './index-file.ts';
import {
  admits,
  formatAlternatives,
  formatRelation,
  parseRelations,
  type Alternatives,
  type Relation,
} from './relation.ts';

/** One Packages file's content and where it came from. */
export interface DebSource {
  readonly repository: string;
  readonly suite: string;
  /** As apt's pin priority: higher wins over a newer version; below 0 never. */
  readonly priority: number;
  readonly index: IndexFile;
}

const PRIORITIES = ['required', 'important', 'standard', 'optional', 'extra'];

/** A package of an index, with what choosing it needs; dependencies are parsed when asked for. */
interface DebPackage {
  readonly candidate: Candidate;
  readonly source: DebSource;
  readonly record: PackageRecord;
  readonly name: string;
  readonly version: string;
  /** `all` stands for the native one. */
  readonly architecture: string;
}

export class DebUniverse implements Universe {
  readonly architecture: string;
  readonly size: number;
  readonly #sources: readonly DebSource[];
  /** Number of each source's first candidate. */
  readonly #bases: readonly number[];
  readonly #packages = new Map<Candidate, DebPackage>();
  readonly #named = new Map<string, readonly DebPackage[]>();

  /** @param sources in order of preference where priority and version are equal. */
  constructor(sources: readonly DebSource[], architecture: string) {
    this.architecture = architecture;
    this.#sources = sources;
    let size = 0;
    this.#bases = sources.map(({ index }) => (size += index.packageCount) - index.packageCount);
    this.size = size;
  }

  info(candidate: Candidate): PackageInfo {
    const { name, version, record, source } = this.#package(candidate);
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
    return this.#versions(name).map((found) => found.candidate);
  }

  satisfying({ name, architecture = this.architecture, relations }: Wanted): readonly Candidate[] {
    const wanted: readonly Relation[] = [{ name }, ...relations.map((r) => ({ ...r, name }))];
    const own = this.#versions(name).filter((found) => found.architecture === architecture);
    if (own.length > 0) {
      const fitting = own.filter((found) => wanted.every((r) => admits(r, found.version)));
      return fitting.map((found) => found.candidate);
    }
    const [first = [], ...rest] = wanted.map((r) => this.#satisfying([r], architecture));
    return first.filter((candidate) => rest.every((others) => others.includes(candidate)));
  }

  essential(): readonly Candidate[] {
    const names = new Set<string>();
    for (const { index } of this.#sources)
      for (const essential of index.essential) names.add(index.nameOfPackage(essential));
    return [...names].flatMap((name) => {
      const best = this.#versions(name).find((found) => found.architecture === this.architecture);
      return best?.record.essential === 'yes' ? [best.candidate] : [];
    });
  }

  constraints(candidate: Candidate, options: { recommends: boolean }): PackageConstraints {
    const owner = this.#package(candidate);
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

  compare(a: Candidate, b: Candidate): number {
    return this.#rank(this.#package(a)) - this.#rank(this.#package(b)) || a - b;
  }

  *names(): Iterable<string> {
    for (const { index } of this.#sources)
      for (let name = 0; name < index.nameCount; name++)
        if (index.packagesNamed(name).length + index.providersOf(name).length > 0)
          yield index.nameText(name);
  }

  #package(candidate: Candidate): DebPackage {
    const known = this.#packages.get(candidate);
    if (known) return known;
    const at = this.#bases.findLastIndex((base) => base <= candidate);
    const source = this.#sources[at]!;
    const index = candidate - this.#bases[at]!;
    const record = source.index.record(index);
    const found = {
      candidate,
      source,
      record,
      name: source.index.nameOfPackage(index),
      version: record.version,
      architecture: record.architecture === 'all' ? this.architecture : record.architecture,
    };
    this.#packages.set(candidate, found);
    return found;
  }

  /** All packages of a name, best version first; of those that are listed twice, the first. */
  #versions(name: string): readonly DebPackage[] {
    const known = this.#named.get(name);
    if (known) return known;
    const seen = new Set<string>();
    const versions = this.#lookUp(name, (index, number) => index.packagesNamed(number))
      .filter((found) => {
        const key = `${found.architecture} ${found.version} ${found.record.sha256}`;
        return !seen.has(key) && seen.add(key);
      })
      .sort(
        (a, b) =>
          b.source.priority - a.source.priority ||
          compareVersions(b.version, a.version) ||
          a.candidate - b.candidate,
      );
    this.#named.set(name, versions);
    return versions;
  }

  #lookUp(
    name: string,
    select: (index: IndexFile, number: number) => Iterable<number>,
  ): DebPackage[] {
    return this.#sources.flatMap(({ index, priority }, at) => {
      const number = index.findName(name);
      if (number === undefined || priority < 0) return [];
      return Array.from(select(index, number), (i) => this.#package(this.#bases[at]! + i));
    });
  }

  /** True for the version that apt would install if nothing else were said. */
  #isBest(found: DebPackage): boolean {
    const same = this.#versions(found.name).find((v) => v.architecture === found.architecture);
    return same === found;
  }

  #rank(found: DebPackage): number {
    for (const [at, { index }] of this.#sources.entries()) {
      const number = index.findName(found.name);
      if (number !== undefined) return at * 2 ** 32 + number;
    }
    return Number.MAX_SAFE_INTEGER;
  }

  /** The order in which apt tries what satisfies a relation on `target`. */
  #compareProviders(target: string, a: DebPackage, b: DebPackage): number {
    const unlike = (test: (found: DebPackage) => boolean): number =>
      Number(test(b)) - Number(test(a));
    return (
      unlike((found) => found.name === target) ||
      unlike((found) => found.record.essential === 'yes') ||
      unlike((found) => found.record.protected === 'yes') ||
      unlike((found) => found.architecture === this.architecture) ||
      priorityOf(a) - priorityOf(b) ||
      (a.name === b.name ? compareVersions(b.version, a.version) : this.#rank(b) - this.#rank(a)) ||
      a.candidate - b.candidate
    );
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
      names: alternatives.map((relation) => relation.name),
    }));
  }

  /**
   * What satisfies alternatives that a package of this architecture states, best first. Versions
   * that apt would not install by itself come after all that it would.
   */
  #satisfying(alternatives: Alternatives, architecture: string): Candidate[] {
    const sorted = alternatives.flatMap((relation) =>
      this.#matching(relation, architecture).sort((a, b) =>
        this.#compareProviders(relation.name, a, b),
      ),
    );
    const best = sorted.filter((found) => this.#isBest(found));
    return [...new Set([...best, ...sorted].map((found) => found.candidate))];
  }

  #matching(relation: Relation, architecture: string): DebPackage[] {
    const { name, qualifier } = relation;
    const wanted = qualifier === 'native' ? this.architecture : (qualifier ?? architecture);
    const fits = (found: DebPackage): boolean => {
      if (qualifier === 'any') return found.record['multi-arch'] === 'allowed';
      if (found.architecture === wanted) return true;
      return qualifier === undefined && found.record['multi-arch'] === 'foreign';
    };
    const real = this.#versions(name).filter(
      (found) => fits(found) && admits(relation, found.version),
    );
    const provided = this.#providers(relation).filter(
      (found) => fits(found) || (qualifier === 'any' && providesQualified(found, name)),
    );
    return [...new Set([...real, ...provided])];
  }

  /** Packages, of any architecture, that provide what the relation asks for. */
  #providers(relation: Relation): DebPackage[] {
    return this.#lookUp(relation.name, (index, number) => index.providersOf(number)).filter(
      (found) =>
        this.#versions(found.name).includes(found) &&
        relationsOf(found, 'provides').some(
          ([provided]) => provided!.name === relation.name && admits(relation, provided!.version),
        ),
    );
  }

  /** A package is never in conflict with itself, by whatever name. */
  #conflicts(owner: DebPackage, field: 'conflicts' | 'breaks', verb: string): PackageConflict[] {
    return relationsOf(owner, field).flatMap(([relation]) => {
      const { name, qualifier } = relation!;
      const wanted = qualifier === 'native' ? this.architecture : qualifier;
      const real = this.#versions(name).filter((found) => admits(relation!, found.version));
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
    const candidates = this.#versions(owner.name)
      .filter((other) => other !== owner && !coinstallable(other))
      .map((other) => other.candidate);
    return candidates.length > 0
      ? [{ candidates, verb: 'cannot be installed together with', target: '' }]
      : [];
  }
}

function relationsOf(
  found: DebPackage,
  field: 'pre-depends' | 'depends' | 'recommends' | 'conflicts' | 'breaks' | 'provides',
): Alternatives[] {
  try {
    return parseRelations(found.record[field]);
  } catch (error) {
    throw failure('SOLV111', `${found.name} ${found.version}: ${(error as Error).message}`, {
      notes: [{ message: `in its ${field}, in ${found.source.repository} ${found.source.suite}` }],
      hint: 'the repository is broken; exclude the package or tell its maintainers',
    });
  }
}

const providesQualified = (found: DebPackage, name: string): boolean =>
  relationsOf(found, 'provides').some(
    ([provided]) => provided!.name === name && provided!.qualifier === 'any',
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
