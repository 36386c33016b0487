/** Release files of Debian archives: what they say, whether it may be believed, what to fetch. */
import { failure, misuse } from '../../vse/diagnostic.ts';
import { CLOCK_TOLERANCE } from '../trust.ts';
import { parseParagraphs, words } from './deb822.ts';

export interface ReleaseFile {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** https://wiki.debian.org/DebianRepository/Format, "Release" files */
export interface Release {
  readonly suite?: string;
  readonly codename?: string;
  readonly date: Date;
  readonly validUntil?: Date;
  readonly architectures: readonly string[];
  readonly components: readonly string[];
  readonly byHash: boolean;
  /** What apt gives to its packages unless told otherwise: backports 100, experimental 1. */
  readonly priority: number;
  /** Packages of architecture `all` stand in a Packages file of their own. */
  readonly separateAll: boolean;
  /** Paths relative to the Release file. */
  readonly files: ReadonlyMap<string, ReleaseFile>;
}

/** @param what for messages. @throws REPO130 not a Release file, or one without SHA-256 sums */
export function parseRelease(text: string, what: string): Release {
  const fields = parseParagraphs(text)[0] ?? new Map<string, string>();
  const date = time(fields.get('date'));
  if (!date) throw failure('REPO130', `${what} has no date that can be read`);
  const sums = fields.get('sha256');
  if (sums === undefined) {
    throw failure('REPO130', `${what} has no SHA-256 sums`, {
      hint: 'weaker sums are not accepted; the archive must be made anew with current tools',
    });
  }
  const validUntil = time(fields.get('valid-until'));
  if (fields.has('valid-until') && !validUntil) {
    throw failure('REPO130', `${what} has a Valid-Until that cannot be read`);
  }
  const [suite, codename] = [fields.get('suite'), fields.get('codename')];
  const architectures = words(fields.get('architectures'));
  const noSeparateAll = words(fields.get('no-support-for-architecture-all')).includes('Packages');
  return {
    ...(suite !== undefined && { suite }),
    ...(codename !== undefined && { codename }),
    date,
    ...(validUntil && { validUntil }),
    architectures,
    components: words(fields.get('components')),
    byHash: fields.get('acquire-by-hash') === 'yes',
    priority: defaultPriority(fields),
    separateAll: architectures.includes('all') && !noSeparateAll,
    files: parseSums(sums),
  };
}

/** apt_preferences(5), "APT's Default Priority Assignments" */
function defaultPriority(fields: ReadonlyMap<string, string>): number {
  if (fields.get('notautomatic') !== 'yes') return 500;
  return fields.get('butautomaticupgrades') === 'yes' ? 100 : 1;
}

function parseSums(text: string): Map<string, ReleaseFile> {
  const files = new Map<string, ReleaseFile>();
  for (const line of text.split('\n')) {
    const match = /^([0-9a-fA-F]{64})\s+(\d+)\s+(\S+)$/.exec(line);
    const [, sha256 = '', size, path = ''] = match ?? [];
    if (match) files.set(path, { sha256: sha256.toLowerCase(), size: Number(size) });
  }
  return files;
}

function time(value: string | undefined): Date | undefined {
  const parsed = new Date(value ?? '');
  return Number.isNaN(parsed.getTime()) ? undefined : parsed;
}

/** The folder of a suite's Release file below the archive's address; `name/` is a flat archive. */
export const releaseFolder = (suite: string): string =>
  suite.endsWith('/') ? suite.replace(/^(\.?\/)+/, '') : `dists/${suite}/`;

/** What is checked of a release that carries a right signature. */
export interface Expectation {
  readonly what: string;
  readonly suite: string;
  readonly now: Date;
  /** Date of the newest release seen before. */
  readonly newest?: Date | undefined;
  /** What Valid-Until is held against: now, or the time that a snapshot shows. */
  readonly current: Date;
}

/**
 * @throws REPO125 expired, REPO126 older than one seen before, REPO127 another suite,
 *   REPO131 from the future
 */
export function checkRelease(release: Release, expected: Expectation): void {
  const { what, suite, now, newest, current } = expected;
  const names = [release.suite, release.codename].filter((name) => name !== undefined);
  if (!suite.endsWith('/') && names.length > 0 && !names.includes(suite)) {
    throw failure('REPO127', `${what} is for another suite: ${names.join(' or ')}`, {
      hint: `the mirror answers with the wrong suite, or '${suite}' is not how the archive calls it`,
    });
  }
  if (release.date.getTime() > now.getTime() + CLOCK_TOLERANCE) {
    throw failure('REPO131', `${what} is dated in the future: ${release.date.toISOString()}`, {
      notes: [{ message: `this machine's clock says ${now.toISOString()}` }],
      hint: 'set the clock of this machine',
    });
  }
  if (release.validUntil && release.validUntil < current) {
    throw failure('REPO125', `${what} expired on ${release.validUntil.toISOString()}`, {
      notes: [
        { message: `it was made on ${release.date.toISOString()}` },
        { message: `this machine's clock says ${now.toISOString()}` },
      ],
      hint: 'the mirror is no longer updated, or somebody holds back updates: use another mirror (VSEC_MIRROR_<NAME>)',
    });
  }
  if (newest && release.date < newest) {
    throw failure('REPO126', `${what} goes back in time`, {
      notes: [
        { message: `the mirror offers the state of ${release.date.toISOString()}` },
        { message: `seen before: ${newest.toISOString()}` },
      ],
      hint: 'the mirror lags behind, or somebody holds back updates: try later, or use another mirror (VSEC_MIRROR_<NAME>)',
    });
  }
}

/** One Packages file to get, in the form to get it in. */
export interface PackagesIndex {
  readonly component: string;
  readonly architecture: string;
  /** Relative to the Release file, best first; a by-hash address before a plain one. */
  readonly paths: readonly string[];
  readonly compression: 'gz' | 'xz' | 'none';
  /** The file as it is sent. */
  readonly sent: ReleaseFile;
  /** The file once decompressed, when the Release states it. */
  readonly plain?: ReleaseFile;
}

/**
 * The Packages files for components and architectures. Gzip is preferred: it is decompressed
 * natively, several times as fast as xz.
 * @throws REPO128 no such component, REPO129 no such architecture (exit code 2), REPO130 no such file
 */
export function selectIndexes(
  release: Release,
  wanted: {
    readonly what: string;
    readonly suite: string;
    readonly components: readonly string[];
    readonly architectures: readonly string[];
  },
): PackagesIndex[] {
  const { what, suite } = wanted;
  if (suite.endsWith('/')) return [selectIndex(release, '', 'any', '', what)];
  const has = (offered: readonly string[], name: string) =>
    // Security archives write `updates/main` and keep it in `main/`.
    offered.length === 0 || offered.some((o) => o === name || o.endsWith(`/${name}`));
  for (const component of wanted.components) {
    if (has(release.components, component)) continue;
    throw misuse('REPO128', `${what} has no component '${component}'`, {
      hint: `it has ${release.components.join(', ')}`,
    });
  }
  const native = wanted.architectures.filter((architecture) => architecture !== 'all');
  for (const architecture of native) {
    if (has(release.architectures, architecture)) continue;
    throw misuse('REPO129', `${what} has no packages for ${architecture}`, {
      hint: `it has ${release.architectures.join(', ')}`,
    });
  }
  const architectures = [...native, ...(release.separateAll ? ['all'] : [])];
  return wanted.components.flatMap((component) =>
    architectures.map((architecture) => {
      const folder = `${component.replace(/^updates\//, '')}/binary-${architecture}/`;
      return selectIndex(release, component, architecture, folder, what);
    }),
  );
}

function selectIndex(
  release: Release,
  component: string,
  architecture: string,
  folder: string,
  what: string,
): PackagesIndex {
  const forms = [
    ['gz', '.gz'],
    ['xz', '.xz'],
    ['none', ''],
  ] as const;
  const plain = release.files.get(`${folder}Packages`);
  for (const [compression, ending] of forms) {
    const path = `${folder}Packages${ending}`;
    const sent = release.files.get(path);
    if (!sent) continue;
    const hashed = `${folder}by-hash/SHA256/${sent.sha256}`;
    return {
      component,
      architecture,
      paths: release.byHash ? [hashed, path] : [path],
      compression,
      sent,
      ...(plain && { plain }),
    };
  }
  throw failure('REPO130', `${what} lists no ${folder}Packages`);
}
