/**
 * Random requests to the real Debian 12 and 13, with their updates and security suites, against the
 * real apt from an empty status. More of them (half for each release), or one that is given:
 *
 *     VSEC_APT_SETS=500 npx vitest run test/repos/apt-compare.net.test.ts
 *     VSEC_APT_ASK='vim nano' npx vitest run test/repos/apt-compare.net.test.ts
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadIndexes, type PackagesFile } from '../../repos/deb/load-indexes.ts';
import { readStanzas } from '../../repos/deb/packages-file.ts';
import { loadUniverse } from '../../repos/lock-vse.ts';
import { resolve, type ResolvedPackage } from '../../repos/resolve.ts';
import type { Universe } from '../../repos/universe.ts';
import { VsecError } from '../../vse/diagnostic.ts';
import { loadVseOrThrow } from '../../vse/load.ts';
import type { Vse } from '../../vse/types.ts';
import { Apt, selectionOf, type Selection } from './support/apt.ts';

const RELEASES = ['debian-12', 'debian-13'];
const SETS = Math.ceil(Number(process.env['VSEC_APT_SETS'] ?? 16) / RELEASES.length);
const ASKED = process.env['VSEC_APT_ASK']?.split(' ');
const SEED = Number(process.env['VSEC_APT_SEED'] ?? 12);
/** Of a hundred, at least this many are to be the same. */
const SAME_PERCENT = 99;
const MAX_PACKAGES = 12;
const PER_SET_MS = 60_000;

let release: string;
let folder: string;
let universe: Universe;
let files: PackagesFile[];
let apt: Apt;
let essential: string[];

async function describeVse(packages: readonly string[]): Promise<Vse> {
  const list = packages.map((name) => `    - ${JSON.stringify(name)}\n`).join('');
  const add = packages.length > 0 ? `add:\n  packages:\n${list}` : '';
  const text = `vse: 1\nname: compare\nextends: ${release}-repositories\n${add}`;
  await writeFile(join(folder, 'compare.yaml'), text);
  return (await loadVseOrThrow('compare.yaml', { cwd: folder, env: {} })).vse;
}

const context = () => ({
  report: () => {},
  signal: new AbortController().signal,
  cacheDir: join(folder, 'vsec'),
  jobs: 2,
  offline: false,
  env: process.env,
});

const hasApt = (): boolean => {
  try {
    execFileSync('apt-get', ['--version']);
    return true;
  } catch {
    return false;
  }
};

function resolved(vse: Vse): readonly ResolvedPackage[] | undefined {
  try {
    return resolve(vse, universe, { essential: true }).packages;
  } catch (error) {
    if (error instanceof VsecError) return undefined;
    throw error;
  }
}

/** What a package manager's database would say of these packages. */
async function stanzasOf(packages: readonly ResolvedPackage[]): Promise<string[]> {
  const wanted = new Set(packages.map(({ sha256 }) => sha256));
  const stanzas: string[] = [];
  for (const { path } of files)
    await readStanzas(path, (stanza) => {
      if (!wanted.delete(stanza.get('sha256') ?? '')) return;
      const kept = [...stanza].filter(([field]) => !['filename', 'size', 'sha256'].includes(field));
      stanzas.push(kept.map(([field, value]) => `${field}: ${value}`).join('\n'));
    });
  return stanzas;
}

describe.skipIf(!hasApt()).each(RELEASES)('against apt, %s', (of) => {
  beforeAll(async () => {
    release = of;
    folder = await mkdtemp(join(tmpdir(), 'vsec-apt-'));
    const vse = await describeVse([]);
    ({ universe } = await loadUniverse(vse, context()));
    files = [];
    for (const [name, repository] of Object.entries(vse.config.repositories))
      files.push(...(await loadIndexes(name, repository, ['amd64'], context())).packages);
    const place = join(folder, 'apt');
    await mkdir(place);
    apt = await Apt.on(place, files);
    essential = universe.essential().map((candidate) => universe.info(candidate).name);
  }, 300_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it(
    `chooses the same for ${SETS} random requests of one to twelve packages, or as valid`,
    { timeout: SETS * PER_SET_MS },
    async () => {
      const names = [...new Set(universe.names())]
        .filter((name) => universe.versions(name).length > 0)
        .sort();
      const request = fc.uniqueArray(fc.constantFrom(...names), {
        minLength: 1,
        maxLength: MAX_PACKAGES,
      });
      const different: string[] = [];
      const refused: string[] = [];
      let [solvable, more] = [0, 0];
      const sets = ASKED ? [ASKED] : fc.sample(request, { numRuns: SETS, seed: SEED });
      for (const asked of sets) {
        const theirs = await apt.install([...essential, ...asked]);
        const ours = resolved(await describeVse(asked));
        if (ours && !theirs) more += 1;
        if (!theirs) continue;
        solvable += 1;
        if (!ours) refused.push(asked.join(' '));
        if (!ours) continue;
        const difference = compare(theirs, selectionOf(ours));
        if (difference === '') continue;
        different.push(`${asked.join(' ')}:${difference}`);
        expect(await apt.complaintsAbout(await stanzasOf(ours))).toBe('');
      }
      const told = `${of}: of ${sets.length} sets apt solves ${solvable}, we ${more} more; ${different.length} differ`;
      if (SETS > 50 || different.length > 0) console.log([told, ...different].join('\n'));
      expect(refused).toEqual([]);
      // One set in a few is no percentage.
      const bound = Math.max(1, (solvable * (100 - SAME_PERCENT)) / 100);
      expect(different.length).toBeLessThanOrEqual(bound);
    },
  );

  it('finds a valid system for a real description', { timeout: PER_SET_MS * 2 }, async () => {
    const asked = ['linux-image-amd64', 'systemd-sysv', 'openssh-server', 'openmpi-bin', 'gcc'];
    const ours = resolved(await describeVse(asked))!;
    expect(compare((await apt.install([...essential, ...asked]))!, selectionOf(ours))).toBe('');
    expect(await apt.complaintsAbout(await stanzasOf(ours))).toBe('');
    const crippled = ours.filter(({ name }) => name !== 'libc6');
    expect(await apt.complaintsAbout(await stanzasOf(crippled))).toContain('libc6');
  });
});

function compare(theirs: Selection, ours: Selection): string {
  const only = (a: Selection, b: Selection): string =>
    a.filter((one) => !b.includes(one)).join(' ');
  const [apts, vsecs] = [only(theirs, ours), only(ours, theirs)];
  return (apts && `\n  only apt: ${apts}`) + (vsecs && `\n  only vsec: ${vsecs}`);
}
