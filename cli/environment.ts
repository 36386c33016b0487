/** Loading the environment that a command names. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { misuse } from '../vse/diagnostic.ts';
import type { BaseOpener } from '../repos/publish/fetch-base.ts';
import type { Freshness } from '../repos/publish/look-up.ts';
import { loadVse, loadVseOrThrow, type Loaded, type LoadOptions } from '../vse/load.ts';
import type { TracedVse } from '../vse/types.ts';
import type { ArgumentSpec } from './command.ts';
import { lockBeside } from './lock-beside.ts';
import { likely } from './parse.ts';
import type { Session } from './session.ts';

/** The argument of the commands that work on one environment. */
export const ENV: ArgumentSpec = {
  name: 'ENV',
  describe: 'path of an environment (cfd.yaml), or a base: its name or address',
  complete: 'environment',
};

export interface EnvironmentOptions {
  /** Whether published bases are looked up again; never unless given. */
  readonly freshness?: Freshness;
  /** Instead of the environment's own. */
  readonly architecture?: string;
}

/**
 * Where layers are looked for, and how published ones are had: as the lock beside the environment
 * has them, and as `freshness` says.
 */
export function loadOptions(
  target: string,
  session: Session,
  { freshness = 'never', architecture }: EnvironmentOptions = {},
): LoadOptions {
  const { context } = session;
  const pins = async () => (await lockBeside(target).catch(() => undefined))?.bases ?? [];
  let bases: Promise<BaseOpener> | undefined;
  const openBases = async (): Promise<BaseOpener> => {
    const { BaseOpener } = await import('../repos/publish/fetch-base.ts');
    return new BaseOpener({ freshness, pins }, context);
  };
  return {
    cwd: process.cwd(),
    env: context.env,
    // What fetches is loaded when there is something to fetch: most environments are whole files.
    readUrl: async (url, sha256) => {
      const { fetchLayer } = await import('../repos/publish/fetch-layer.ts');
      return fetchLayer(url, sha256, context);
    },
    openPublished: async (reference) => (await (bases ??= openBases())).open(reference),
    ...(architecture !== undefined && { architecture }),
  };
}

/** The merged environment; warnings are shown. Throws what is wrong with it, exit code 2. */
export async function openEnvironment(
  target: string,
  session: Session,
  options?: EnvironmentOptions,
): Promise<TracedVse> {
  const { vse, warnings } = await loadVseOrThrow(target, loadOptions(target, session, options));
  session.diagnose(warnings);
  return vse;
}

/**
 * For commands that take bundles too: what is neither there nor can be a base's name was meant to
 * be a path. @throws CLI011
 */
export function refuseNothing(target: string): void {
  if (existsSync(target) || target.includes('://') || !/[_/]|\.\w+$/.test(target)) return;
  const name = basename(target);
  let siblings: readonly string[] = [];
  try {
    siblings = readdirSync(dirname(target)).filter((sibling) => !sibling.startsWith('.'));
  } catch {
    // Then there is nothing to suggest.
  }
  const near = likely(name, siblings);
  throw misuse('CLI011', `There is no bundle and no environment '${target}'`, {
    hint: near ? `Did you mean '${join(dirname(target), near)}'?` : "'vsec build' makes bundles.",
  });
}

/** As a value: with all that there is to say about it. */
export const examineEnvironment = (target: string, session: Session): Promise<Loaded> =>
  loadVse(target, loadOptions(target, session));
