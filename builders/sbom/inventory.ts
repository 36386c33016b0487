/** What an image holds, as its software bills of materials tell it: lock and tree together. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseParagraphs } from '../../repos/deb/deb822.ts';
import type { Paragraph } from '../../repos/deb/deb822.ts';
import { admits, parseRelations } from '../../repos/deb/relation.ts';
import type { Relation } from '../../repos/deb/relation.ts';
import type { Lock, LockedPackage } from '../../repos/lock.ts';
import { Tree } from '../rootfs/tree.ts';
import { mustRun } from '../sandbox/programs.ts';
import type { Toolbox } from '../toolbox.ts';
import { declaredLicence } from './licence.ts';
import type { DeclaredLicence } from './licence.ts';

export interface Maintainer {
  readonly name: string;
  readonly email?: string;
}

export interface Component {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Of the package file, hex. */
  readonly sha256: string;
  /** Name of the package file. */
  readonly file: string;
  /** Package URL: <https://github.com/package-url/purl-spec>, type `deb`. */
  readonly purl: string;
  /** Source package: name and version. */
  readonly source: readonly [name: string, version: string];
  readonly maintainer?: Maintainer;
  readonly homepage?: string;
  readonly summary?: string;
  readonly licence?: DeclaredLicence;
  /** Package URLs of the installed packages that it needs; sorted. */
  readonly dependsOn: readonly string[];
}

const PATTERNS = ['./var/lib/dpkg/status', './usr/lib/os-release', './usr/share/doc/*'];

/** Unpacks from the canonical tar what there is to know of packages; GNU tar skips the rest. */
async function unpackFacts(toolbox: Toolbox, tar: string, folder: string): Promise<void> {
  const { file, args, env } = toolbox.command('tar', [
    ...['--extract', `--file=${tar}`, `--directory=${folder}`, '--no-same-owner'],
    ...['--no-same-permissions', '--mode=u+rwX', '--no-recursion', '--wildcards'],
    ...['--no-wildcards-match-slash', ...PATTERNS, './usr/share/doc/*/copyright'],
  ]);
  await mustRun('reading what the packages state', file, args, { env });
}

const encode = (text: string): string => encodeURIComponent(text).replaceAll('%3A', ':');

/** `pkg:deb/debian/NAME@VERSION?arch=…&distro=debian-12`. */
export const packageUrl = (
  pkg: Pick<LockedPackage, 'name' | 'version' | 'architecture'>,
  distribution: string,
  distro: string,
): string =>
  `pkg:deb/${encode(distribution)}/${encode(pkg.name)}@${encode(pkg.version)}` +
  `?arch=${encode(pkg.architecture)}&distro=${encode(distro)}`;

/** `Jane Doe <jane@example.org>`; a name with a comma in it is quoted. */
function maintainerOf(field: string | undefined): Maintainer | undefined {
  const m = /^\s*([^<]*?)\s*(?:<([^>\s]*)>\s*)?$/.exec(field ?? '');
  const name = m?.[1]?.replace(/^"(.*)"$/, '$1');
  if (!name) return undefined;
  return { name, ...(m?.[2] && { email: m[2] }) };
}

/** `glibc (2.36-9)`, `glibc 2.36-9` or `glibc`; without a version it is the package's own. */
function sourceOf(field: string | undefined, pkg: LockedPackage): readonly [string, string] {
  const m = /^(\S+)(?:\s+\(?([^\s()]+)\)?)?/.exec(field ?? '');
  return [m?.[1] ?? pkg.name, m?.[2] ?? pkg.version];
}

const idOf = (name: string, architecture: string): string => `${name}:${architecture}`;

/** Who satisfies a relation among what is installed. */
class Providers {
  private readonly byName = new Map<string, { purl: string; version: string | undefined }[]>();

  constructor(
    installed: readonly { purl: string; name: string; version: string; state: Paragraph }[],
  ) {
    const add = (name: string, purl: string, version: string | undefined): void => {
      this.byName.set(name, [...(this.byName.get(name) ?? []), { purl, version }]);
    };
    for (const { purl, name, version } of installed) add(name, purl, version);
    for (const { purl, state } of installed)
      for (const relation of relations(state.get('provides')).flat())
        add(relation.name, purl, relation.version);
  }

  /** The first that satisfies one of the alternatives, in their order. */
  find(alternatives: readonly Relation[]): string | undefined {
    for (const relation of alternatives)
      for (const { purl, version } of this.byName.get(relation.name) ?? [])
        if (admits(relation, version)) return purl;
    return undefined;
  }
}

function relations(field: string | undefined): readonly (readonly Relation[])[] {
  try {
    return parseRelations((field ?? '').replaceAll('\n', ' '));
  } catch {
    // A malformed field is the package's fault and no reason to have no bill of materials.
    return [];
  }
}

/**
 * The packages of `lock`, with what the finished tree in the canonical tar at `tar` says of them.
 * `scratch` is an existing folder for intermediate files. Sorted by name and architecture.
 */
export async function takeInventory(
  lock: Lock,
  tar: string,
  toolbox: Toolbox,
  scratch: string,
): Promise<readonly Component[]> {
  const folder = mkdtempSync(join(scratch, '.sbom-'));
  try {
    await unpackFacts(toolbox, tar, folder);
    return describe(lock, new Tree(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As `takeInventory`, of an unpacked tree. */
export function describe(lock: Lock, tree: Tree): readonly Component[] {
  const states = new Map(
    parseParagraphs(tree.read('var/lib/dpkg/status') ?? '').map((state) => [
      idOf(state.get('package') ?? '', state.get('architecture') ?? ''),
      state,
    ]),
  );
  const { id, release } = lock.distribution;
  const number = /^VERSION_ID="?([^"\n]+)"?$/m.exec(tree.read('usr/lib/os-release') ?? '')?.[1];
  const nothing: Paragraph = new Map();
  const known = lock.packages
    .map((pkg) => ({
      ...pkg,
      purl: packageUrl(pkg, id, `${id}-${number ?? release}`),
      state: states.get(idOf(pkg.name, pkg.architecture)) ?? nothing,
    }))
    .sort((a, b) => (idOf(a.name, a.architecture) < idOf(b.name, b.architecture) ? -1 : 1));
  const providers = new Providers(known);

  return known.map(({ purl, state, ...pkg }) => {
    const copyright = `usr/share/doc/${pkg.name}/copyright`;
    const licence = declaredLicence(tree.read(copyright) ?? '', `/${copyright}`);
    const maintainer = maintainerOf(state.get('maintainer'));
    const homepage = state.get('homepage');
    const summary = state.get('description')?.split('\n')[0];
    const needed = [...relations(state.get('pre-depends')), ...relations(state.get('depends'))];
    const found = needed.flatMap((alternatives) => providers.find(alternatives) ?? []);
    return {
      name: pkg.name,
      version: pkg.version,
      architecture: pkg.architecture,
      sha256: pkg.sha256,
      file: pkg.filename.slice(pkg.filename.lastIndexOf('/') + 1),
      purl,
      source: sourceOf(state.get('source') ?? pkg.source, pkg),
      ...(maintainer && { maintainer }),
      ...(homepage && URL.canParse(homepage) && { homepage }),
      ...(summary && { summary }),
      ...(licence && { licence }),
      dependsOn: [...new Set(found.filter((other) => other !== purl))].sort(),
    };
  });
}
