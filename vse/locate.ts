/** References in `extends` → files: names are looked up, paths are resolved, URLs need a digest. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Span } from './diagnostic.ts';
import type { Findings } from './findings.ts';
import { VSE_NAME } from './names.ts';
import { nearest } from './nearest.ts';
import { shorten } from './node.ts';
import { isPlainLayer, reaches, showPublished } from './published.ts';
import type { OpenedBase } from './published.ts';

export interface LocateOptions {
  /** Absolute; paths below it are shown relative to it. */
  readonly cwd: string;
  /** For `VSEC_PATH`, `XDG_CONFIG_HOME`, `XDG_CONFIG_DIRS` and `HOME`. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type Location =
  | {
      readonly type: 'file';
      readonly path: string;
      readonly file: string;
      /** When it is a part of one. */
      readonly within?: OpenedBase;
    }
  | { readonly type: 'url'; readonly url: string; readonly sha256: string }
  | { readonly type: 'published'; readonly reference: string };

/** The folder of the bases that come with vsec; it stands beside the sources and the bundle. */
export function shippedBases(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return [join(here, 'base'), join(here, '..', 'vse', 'base')].find((d) => existsSync(d)) ?? here;
}

/** How a file is shown to people. */
export function showFile(path: string, cwd: string): string {
  if (dirname(path) === shippedBases()) return `base:${basename(path, '.yaml')}`;
  const below = relative(cwd, path);
  return below.startsWith('..') || isAbsolute(below) ? path : below || '.';
}

/** Names of all bases that a layer in `directory` can extend, sorted. */
export function knownBases(directory: string, options: LocateOptions): readonly string[] {
  const names = new Set<string>();
  for (const { path } of searchPath(directory, options)) {
    try {
      for (const file of readdirSync(path))
        if (/\.ya?ml$/.test(file)) names.add(file.replace(/\.ya?ml$/, ''));
    } catch {
      // A folder of the search path need not exist.
    }
  }
  return [...names].sort();
}

interface Place {
  readonly path: string;
  readonly what: string;
}

function searchPath(
  directory: string,
  { cwd, env }: LocateOptions,
  within?: OpenedBase,
): readonly Place[] {
  const shipped = { path: shippedBases(), what: 'shipped with vsec' };
  // A published base means the same for everybody: nothing that lies about here counts.
  if (within) return [{ path: directory, what: 'beside the file' }, shipped];
  const listed = (text: string | undefined): string[] => (text ?? '').split(':').filter(Boolean);
  const user = env['XDG_CONFIG_HOME'] || (env['HOME'] && join(env['HOME'], '.config'));
  const system = listed(env['XDG_CONFIG_DIRS'] || '/etc/xdg');
  return [
    { path: directory, what: 'beside the file' },
    ...listed(env['VSEC_PATH']).map((path) => ({ path: resolve(cwd, path), what: '$VSEC_PATH' })),
    ...(user ? [{ path: join(user, 'vsec'), what: "the user's configuration" }] : []),
    ...[...system.map((path) => join(path, 'vsec')), '/etc/vsec'].map((path) => ({
      path,
      what: "the system's configuration",
    })),
    shipped,
  ];
}

/**
 * Where the layer is that `reference` means, when written in a file of `directory` at `span`.
 * `self` is that file: a layer does not extend itself by its own name.
 */
export function locate(
  reference: string,
  from: {
    readonly directory: string;
    readonly self?: string;
    readonly span?: Span;
    readonly within?: OpenedBase | undefined;
  },
  options: LocateOptions,
  findings: Findings,
): Location | undefined {
  const { directory, self, span, within } = from;
  const file = (path: string): Location =>
    within && reaches(within, path)
      ? { type: 'file', path, file: showPublished(within, path), within }
      : { type: 'file', path, file: showFile(path, options.cwd) };
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(reference)) return locateUrl(reference, span, findings);
  if (/^(\/|\.\.?(\/|$))/.test(reference)) {
    const path = resolve(directory, reference);
    if (!within || reaches(within, path)) return file(path);
    findings.error('VSE047', `A published base extends '${shorten(reference)}' outside of itself`, {
      span,
      hint: 'Tell whoever published it; a base brings along what it extends.',
    });
    return undefined;
  }
  if (!('value' in VSE_NAME.read(reference)) || /\.ya?ml$/.test(reference)) {
    const isFile = existsSync(resolve(directory, reference));
    findings.error('VSE040', `'${shorten(reference)}' is not the name of a base`, {
      span,
      hint: isFile
        ? `For the file beside this one, write './${reference}'.`
        : "Names are looked up; a file is written './site.yaml' or '/srv/bases/site.yaml'.",
    });
    return undefined;
  }
  const places = searchPath(directory, options, within);
  const brought = within?.names[reference];
  if (within && brought !== undefined) return file(join(within.root, brought));
  for (const { path } of places)
    for (const extension of ['.yaml', '.yml']) {
      const candidate = join(path, reference + extension);
      if (candidate !== self && existsSync(candidate)) return file(candidate);
    }
  const near = nearest(reference, knownBases(directory, options));
  findings.error('VSE040', `There is no base '${reference}'`, {
    span,
    notes: places.map(({ path, what }) => ({
      message: `looked for ${reference}.yaml in ${showFolder(path, options.cwd)} (${what})`,
    })),
    hint:
      near === undefined
        ? `Shipped with vsec: ${knownBases(shippedBases(), { cwd: options.cwd, env: {} }).join(', ')}.`
        : `Did you mean '${near}'?`,
  });
  return undefined;
}

function showFolder(path: string, cwd: string): string {
  if (path === cwd) return '.';
  return path.startsWith(cwd + sep) ? relative(cwd, path) : path;
}

function locateUrl(
  reference: string,
  span: Span | undefined,
  findings: Findings,
): Location | undefined {
  const [url = '', fragment] = reference.split('#', 2);
  const scheme = url.slice(0, url.indexOf(':')).toLowerCase();
  if (scheme === 'oci' || scheme === 'oci+http') return { type: 'published', reference };
  if (!['https', 'http', 'file'].includes(scheme)) {
    findings.error('VSE044', `Bases are not fetched by '${scheme}:'`, {
      span,
      hint: "As in 'oci://…', 'https://…#sha256=…'; else fetch it yourself: './base.yaml'.",
    });
    return undefined;
  }
  const digest = /^sha256=([0-9a-f]{64})$/.exec(fragment ?? '')?.[1];
  if (digest !== undefined)
    return isPlainLayer(url)
      ? { type: 'url', url, sha256: digest }
      : { type: 'published', reference };
  const given = fragment === undefined ? 'without a digest' : 'with a digest that is not one';
  findings.error('VSE042', `A base is named by an address ${given}`, {
    span,
    hint: `What is at an address can change: write '${shorten(url, 40)}#sha256=…', 64 hexadecimal digits.`,
  });
  return undefined;
}
