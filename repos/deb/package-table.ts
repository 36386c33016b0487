/** The packages of several indexes, numbered together, read one by one as they are asked for. */
import { compareVersions } from '../../vse/deb-version.ts';
import { failure } from '../../vse/diagnostic.ts';
import type { Candidate } from '../solver/problem.ts';
import type { IndexFile, PackageRecord } from './index-file.ts';
import { parseRelations, type Alternatives } from './relation.ts';

/** One Packages file's content and where it came from. */
export interface DebSource {
  readonly repository: string;
  readonly suite: string;
  /** As apt's pin priority: higher wins over a newer version; below 0 never. */
  readonly priority: number;
  readonly index: IndexFile;
}

export interface DebPackage {
  readonly candidate: Candidate;
  readonly source: DebSource;
  readonly record: PackageRecord;
  readonly name: string;
  readonly version: string;
  /** The native one for a package that is independent of the architecture. */
  readonly architecture: string;
}

/** What of an earlier solution is to stay if it can. */
export interface Kept {
  /** SHA-256 of package files, hex: exactly these versions. */
  readonly files: ReadonlySet<string>;
  /** Names of packages: rather these than others, in whatever version. */
  readonly names: ReadonlySet<string>;
}

const NOTHING_KEPT: Kept = { files: new Set(), names: new Set() };

export class PackageTable {
  readonly architecture: string;
  readonly size: number;
  readonly #sources: readonly DebSource[];
  readonly #kept: Kept;
  /** Number of each source's first candidate. */
  readonly #bases: readonly number[];
  readonly #packages = new Map<Candidate, DebPackage>();
  readonly #named = new Map<string, readonly DebPackage[]>();

  /**
   * @param sources in order of preference where priority and version are equal
   * @param architecture the native one
   * @param kept what is preferred to every other version, and to every other package
   */
  constructor(sources: readonly DebSource[], architecture: string, kept: Kept = NOTHING_KEPT) {
    this.architecture = architecture;
    this.#kept = kept;
    this.#sources = sources;
    let size = 0;
    this.#bases = sources.map(({ index }) => (size += index.packageCount) - index.packageCount);
    this.size = size;
  }

  package(candidate: Candidate): DebPackage {
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
  named(name: string): readonly DebPackage[] {
    const known = this.#named.get(name);
    if (known) return known;
    const seen = new Set<string>();
    const versions = this.#lookUp(name, (index, number) => index.packagesNamed(number))
      .filter(({ architecture, version, record }) => {
        const key = `${architecture} ${version} ${record.sha256}`;
        return !seen.has(key) && seen.add(key);
      })
      .sort(
        (a, b) =>
          Number(this.isPinned(b)) - Number(this.isPinned(a)) ||
          b.source.priority - a.source.priority ||
          compareVersions(b.version, a.version) ||
          a.candidate - b.candidate,
      );
    this.#named.set(name, versions);
    return versions;
  }

  /** All packages that list the name in their Provides, in whatever version. */
  providing(name: string): DebPackage[] {
    return this.#lookUp(name, (index, number) => index.providersOf(number)).filter((found) =>
      this.named(found.name).includes(found),
    );
  }

  isPinned({ record }: DebPackage): boolean {
    return this.#kept.files.has(record.sha256);
  }

  /** A package of that name, in whatever version, was there before. */
  isKept({ name }: DebPackage): boolean {
    return this.#kept.names.has(name);
  }

  /** True for the version that apt would install if nothing else were said. */
  isBest(found: DebPackage): boolean {
    return (
      this.named(found.name).find((other) => other.architecture === found.architecture) === found
    );
  }

  /** Names of the packages that say they are essential, in the order of the indexes. */
  essentialNames(): Iterable<string> {
    const names = this.#sources.flatMap(({ index }) =>
      Array.from(index.essential, (essential) => index.nameOfPackage(essential)),
    );
    return new Set(names);
  }

  /** Position of the first mention of a name in all the indexes. */
  firstMention(name: string): number {
    for (const [at, { index }] of this.#sources.entries()) {
      const number = index.findName(name);
      if (number !== undefined) return at * 2 ** 32 + number;
    }
    return Number.MAX_SAFE_INTEGER;
  }

  *names(): Iterable<string> {
    for (const { index } of this.#sources)
      for (let name = 0; name < index.nameCount; name++)
        if (index.packagesNamed(name).length + index.providersOf(name).length > 0)
          yield index.nameText(name);
  }

  #lookUp(
    name: string,
    select: (index: IndexFile, number: number) => Iterable<number>,
  ): DebPackage[] {
    return this.#sources.flatMap(({ index, priority }, at) => {
      const number = index.findName(name);
      if (number === undefined || priority < 0) return [];
      return Array.from(select(index, number), (i) => this.package(this.#bases[at]! + i));
    });
  }
}

export type RelationField =
  'pre-depends' | 'depends' | 'recommends' | 'conflicts' | 'breaks' | 'provides';

/** Some fields are asked for many times: a popular name's providers, by everything in conflict. */
const parsed = new WeakMap<PackageRecord, Map<RelationField, readonly Alternatives[]>>();

/** @throws SOLV111 the field is malformed */
export function relationsOf(found: DebPackage, field: RelationField): readonly Alternatives[] {
  const fields = parsed.get(found.record) ?? new Map<RelationField, readonly Alternatives[]>();
  parsed.set(found.record, fields);
  const relations = fields.get(field) ?? readRelations(found, field);
  fields.set(field, relations);
  return relations;
}

function readRelations(found: DebPackage, field: RelationField): Alternatives[] {
  try {
    return parseRelations(found.record[field]);
  } catch (error) {
    // Whoever looks for something meets every package that provides it: this one does not.
    if (field === 'provides') return [];
    throw failure('SOLV111', `${found.name} ${found.version}: ${(error as Error).message}`, {
      notes: [{ message: `in its ${field}, in ${found.source.repository} ${found.source.suite}` }],
      hint: 'the repository is broken; exclude the package or tell its maintainers',
    });
  }
}
