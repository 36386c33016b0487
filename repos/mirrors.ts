/**
 * Logical mirror names become addresses. The first of these that says something decides:
 * `VSEC_MIRROR_<NAME>`, the user's and the system's configuration, the host's apt sources.
 * There is no public default: whoever sets up a host says where it downloads from.
 */
import { readFile } from 'node:fs/promises';
import { misuse } from '../vse/diagnostic.ts';
import type { Context } from '../vse/report.ts';
import type { RepositoryConfig } from '../vse/types.ts';
import { readAptSources, type AptSource } from './apt-sources.ts';
import { readSettings } from './config.ts';
import { parseOsRelease } from './os-release.ts';

type Environment = Pick<Context, 'env'>;

export interface MirrorOptions {
  /** Host sources restricted to other architectures are passed over. */
  readonly architectures?: readonly string[];
  /** Folder of the host's apt configuration. */
  readonly apt?: string;
  /** The host's os-release(5). */
  readonly osRelease?: string;
}

/**
 * The addresses of a mirror, best first, without a slash at the end.
 * @param name logical name such as `debian` or `debian-security`
 * @throws REPO101 no address known, REPO102 not an address, REPO103 bad configuration (exit code 2)
 */
export async function resolveMirror(
  name: string,
  ctx: Environment,
  options: MirrorOptions = {},
): Promise<readonly string[]> {
  const variable = `VSEC_MIRROR_${variableName(name)}`;
  const given = (ctx.env[variable] ?? '').split(/\s+/).filter((url) => url !== '');
  if (given.length > 0) return given.map((url) => address(url, variable));
  for (const { mirrors, file } of await readSettings(ctx.env)) {
    const configured = [mirrors?.[name] ?? []].flat();
    if (configured.length > 0) return configured.map((url) => address(url, file));
  }
  const found = await hostMirrors(name, options);
  if (found.length > 0) return found;
  throw misuse('REPO101', `no address is known for the mirror '${name}'`, {
    notes: [
      { message: `${variable} is not set` },
      { message: `no vsec configuration names it, and the host's apt sources do not serve it` },
    ],
    hint: `set one, for example: export ${variable}=http://mirror.example/${name}`,
  });
}

/**
 * The addresses below which a repository's files lie.
 * @throws as {@link resolveMirror}; REPO104 (exit code 2): no snapshot archive is configured
 */
export async function baseUrls(
  repository: Pick<RepositoryConfig, 'mirror' | 'uri' | 'snapshot'>,
  ctx: Environment,
  options: MirrorOptions = {},
): Promise<readonly string[]> {
  const { mirror, uri, snapshot } = repository;
  if (uri !== undefined) {
    const url = address(uri, 'uri');
    if (snapshot === undefined) return [url];
    if (url.includes('{timestamp}')) return [url.replaceAll('{timestamp}', snapshot)];
    throw misuse('REPO104', `the repository ${uri} cannot give the snapshot ${snapshot}`, {
      hint: 'put {timestamp} into its uri where the archive expects the time, or remove `snapshot`',
    });
  }
  if (mirror === undefined) {
    throw misuse('REPO101', 'a repository has neither a `mirror` nor a `uri`');
  }
  return snapshot === undefined
    ? resolveMirror(mirror, ctx, options)
    : [await snapshotUrl(mirror, snapshot, ctx)];
}

/**
 * Addresses below which the files of a repository lie as they were at some dates: of archives that
 * keep what mirrors drop. `VSEC_MIRROR_<NAME>_SNAPSHOT` (or the mirror `<name>-snapshot` of the
 * configuration) names one; `VSEC_SNAPSHOT_<NAME>` and the configuration's `snapshots` as well.
 * Where an address has `{timestamp}`, a date is put; one without has everything in one place.
 *
 * @param dates ISO 8601
 * @returns nothing when no archive is known
 */
export async function archiveUrls(
  repository: Pick<RepositoryConfig, 'mirror' | 'snapshot'>,
  dates: readonly string[],
  ctx: Environment,
): Promise<readonly string[]> {
  const { mirror, snapshot } = repository;
  if (mirror === undefined || snapshot !== undefined) return [];
  const variable = archiveVariable(mirror);
  const templates = (ctx.env[variable] ?? '')
    .split(/\s+/)
    .filter((url) => url !== '')
    .map((url) => address(url, variable));
  for (const { mirrors, file } of await readSettings(ctx.env))
    for (const url of [mirrors?.[`${mirror}-snapshot`] ?? []].flat())
      templates.push(address(url, file));
  const dated = await snapshotTemplate(mirror, ctx);
  if (dated) templates.push(address(dated.template, dated.from));
  const times = dates.flatMap((date) => [SNAPSHOT_DELAY_MS, 0].map((ms) => timestamp(date, ms)));
  const urls = templates.flatMap((template) =>
    template.includes('{timestamp}')
      ? times.map((time) => template.replaceAll('{timestamp}', time))
      : [template],
  );
  return [...new Set(urls)];
}

/** `VSEC_MIRROR_DEBIAN_SNAPSHOT` for the mirror `debian`. */
export const archiveVariable = (mirror: string): string =>
  `VSEC_MIRROR_${variableName(mirror)}_SNAPSHOT`;

/** Archives take their copies some hours after a suite is dated, and the older one may lack it. */
const SNAPSHOT_DELAY_MS = 6 * 3600 * 1000;

/** `20250520T000000Z` */
const timestamp = (date: string, later: number): string =>
  new Date(Date.parse(date) + later).toISOString().replace(/\.\d+|[-:]/g, '');

async function snapshotTemplate(
  name: string,
  ctx: Environment,
): Promise<{ template: string; from: string } | undefined> {
  const variable = `VSEC_SNAPSHOT_${variableName(name)}`;
  const given = ctx.env[variable];
  if (given) return { template: given, from: variable };
  for (const { snapshots, file } of await readSettings(ctx.env))
    if (snapshots?.[name]) return { template: snapshots[name], from: file };
  return undefined;
}

async function snapshotUrl(name: string, timestamp: string, ctx: Environment): Promise<string> {
  const variable = `VSEC_SNAPSHOT_${variableName(name)}`;
  const { template, from } = (await snapshotTemplate(name, ctx)) ?? {};
  const hint = `for example: export ${variable}=http://snapshot.example/${name}/{timestamp}`;
  if (template === undefined || from === undefined) {
    throw misuse('REPO104', `no snapshot archive is known for the mirror '${name}'`, {
      notes: [{ message: `the VSE asks for the state of ${timestamp}` }],
      hint: `set one, ${hint}`,
    });
  }
  if (!template.includes('{timestamp}')) {
    throw misuse('REPO104', `the snapshot archive in ${from} has no {timestamp} in its address`, {
      hint,
    });
  }
  return address(template.replaceAll('{timestamp}', timestamp), from);
}

const variableName = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9]/g, '_');

function address(url: string, from: string): string {
  const braces = url.replaceAll('{timestamp}', 't');
  const scheme = URL.canParse(braces) ? new URL(braces).protocol : undefined;
  if (scheme === undefined || !['http:', 'https:', 'file:'].includes(scheme)) {
    throw misuse('REPO102', `'${url}' (from ${from}) is not the address of a mirror`, {
      hint: 'an address starts with http://, https:// or file:///',
    });
  }
  return url.replace(/\/+$/, '');
}

/** The addresses of the host's apt sources that fit the archive `name` best. */
async function hostMirrors(name: string, options: MirrorOptions): Promise<string[]> {
  const { apt = '/etc/apt', osRelease: file = '/etc/os-release', architectures = [] } = options;
  const osRelease = parseOsRelease(await readFile(file, 'utf8').catch(() => ''));
  const sources = await readAptSources(apt);
  const served = new Map<string, { suites: string[]; components: string[] }>();
  for (const source of sources.filter((s) => servesAll(s, architectures))) {
    for (const uri of source.uris) {
      if (!/^(https?|file):/.test(uri) || uri.includes('$(') || !URL.canParse(uri)) continue;
      const url = uri.replace(/\/+$/, '');
      const known = served.get(url) ?? { suites: [], components: [] };
      known.suites.push(...source.suites);
      known.components.push(...source.components);
      served.set(url, known);
    }
  }
  const scored = [...served].map(([url, what]) => ({
    url,
    score: score(name, url, what, osRelease),
  }));
  const best = Math.max(0, ...scored.map((candidate) => candidate.score));
  return best === 0 ? [] : scored.filter((c) => c.score === best).map((c) => c.url);
}

const servesAll = (source: AptSource, architectures: readonly string[]): boolean =>
  source.architectures.length === 0 ||
  architectures.every((name) => name === 'all' || source.architectures.includes(name));

/**
 * How well a source fits an archive: by the last part of its path (`/debian`, also with a
 * snapshot's time after it), and by its suites being those of the host's own distribution.
 * Sources of third parties have such paths too, but rarely a component `main` and `-updates`.
 */
function score(
  name: string,
  url: string,
  { suites, components }: Pick<AptSource, 'suites' | 'components'>,
  osRelease: ReadonlyMap<string, string>,
): number {
  if (!components.some((component) => component.replace(/^updates\//, '') === 'main')) return 0;
  const path = new URL(url).pathname.replace(/\/+(\d{8}T\d{6}Z)?$/, '');
  const fitsPath = path.slice(path.lastIndexOf('/') + 1) === name;
  const codename = osRelease.get('VERSION_CODENAME');
  const archive = osRelease.get('ID');
  const suite = name === archive ? codename : `${codename}-security`;
  const known = codename !== undefined && (name === archive || name === `${archive}-security`);
  const fitsSuite = known && suites.includes(suite ?? '');
  if (!fitsPath && !fitsSuite) return 0;
  const whole = suites.some((s) => s.endsWith('-updates') || s.endsWith('-security'));
  return (fitsPath ? 4 : 0) + (fitsSuite ? 2 : 0) + (whole ? 1 : 0);
}
