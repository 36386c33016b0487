/** Turns the environment and the global options into the Context that every stage is given. */
import { availableParallelism, homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Context, Report } from '../vse/report.ts';
import type { Env } from './terminal.ts';

/**
 * Absolute path of the cache: `--cache-dir`, `$VSEC_CACHE_DIR`, `$XDG_CACHE_HOME/vsec`,
 * `~/.cache/vsec`. A relative `XDG_CACHE_HOME` is ignored, as the XDG specification demands.
 */
export function cacheDirectory(env: Env, chosen?: string): string {
  const explicit = chosen ?? env['VSEC_CACHE_DIR'];
  if (explicit) return resolve(explicit);
  const xdg = env['XDG_CACHE_HOME'];
  if (xdg && isAbsolute(xdg)) return join(xdg, 'vsec');
  return join(env['HOME'] || homedir(), '.cache', 'vsec');
}

export interface ContextSettings {
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly env: Env;
  readonly cacheDir?: string | undefined;
  readonly jobs?: number | undefined;
  readonly offline?: boolean | undefined;
}

export const createContext = (settings: ContextSettings): Context => ({
  report: settings.report,
  signal: settings.signal,
  cacheDir: cacheDirectory(settings.env, settings.cacheDir),
  jobs: settings.jobs ?? availableParallelism(),
  offline: settings.offline ?? false,
  env: settings.env,
});
