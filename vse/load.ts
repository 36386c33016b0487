/** The front end as a whole: from a file or a base's name to the merged VSE. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { VsecError } from './diagnostic.ts';
import type { Diagnostic } from './diagnostic.ts';
import { Findings } from './findings.ts';
import { link } from './link.ts';
import type { LinkOptions } from './link.ts';
import { locate, showFile } from './locate.ts';
import type { Location } from './locate.ts';
import { merge } from './merge.ts';
import { nearest } from './nearest.ts';
import { normalise } from './normalise.ts';
import type { TracedVse } from './types.ts';

export interface LoadOptions extends LinkOptions {
  /** Instead of the one that the layers say. */
  readonly architecture?: string;
}

export interface Loaded {
  /** Absent when any of the diagnostics is an error. */
  readonly vse?: TracedVse;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads `target`, the path of a layer or the name or address of a base, with all that it extends, and merges
 * it. What is wrong with the description comes back as diagnostics, as many as one pass can find.
 */
export async function loadVse(target: string, options: LoadOptions): Promise<Loaded> {
  const findings = new Findings();
  const location = locateTarget(target, options, findings);
  const stack = location && (await link(location, options, findings));
  // Without all its layers every override would seem to be of nothing.
  if (!stack?.whole) return { diagnostics: findings.list };
  const merged = merge(stack.layers, findings, options.architecture);
  const vse = await normalise(stack.layers, merged, findings);
  return { ...(vse && { vse }), diagnostics: findings.list };
}

/** As `loadVse`, but errors are thrown as one `VsecError` with exit code 2. */
export async function loadVseOrThrow(
  target: string,
  options: LoadOptions,
): Promise<{ readonly vse: TracedVse; readonly warnings: readonly Diagnostic[] }> {
  const { vse, diagnostics } = await loadVse(target, options);
  if (!vse) throw new VsecError(diagnostics, 2);
  return { vse, warnings: diagnostics };
}

/** A target is a path first; an address, and a bare word that is no file, is found like a base. */
function locateTarget(
  target: string,
  options: LoadOptions,
  findings: Findings,
): Location | undefined {
  const path = resolve(options.cwd, target);
  if (existsSync(path)) return { type: 'file', path, file: showFile(path, options.cwd) };
  const isAddress = target.includes('://');
  if (isAddress || (!target.includes('/') && !/\.ya?ml$/.test(target)))
    return locate(target, { directory: options.cwd }, options, findings);
  const near = nearest(basename(path), filesIn(dirname(path)));
  findings.error('VSE001', `There is no file '${target}'`, {
    hint: near === undefined ? "'vsec init' writes a starter layer." : `Did you mean '${near}'?`,
  });
  return undefined;
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
  } catch {
    return [];
  }
}
