/** What program this is. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface VersionInfo {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  /** Of the checkout that it runs from, with `-dirty` when files differ from it; else null. */
  readonly commit: string | null;
}

/** The project's folder: the one above both `cli/` and `dist/`. */
const root = join(dirname(fileURLToPath(import.meta.url)), '..');

export function packageVersion(): string {
  const text = readFileSync(join(root, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function commit(): string | null {
  if (!existsSync(join(root, '.git'))) return null;
  try {
    return execFileSync('git', ['-C', root, 'describe', '--always', '--dirty', '--abbrev=12'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5000,
    }).trim();
  } catch {
    return null;
  }
}

export const versionLine = (): string => `vsec ${packageVersion()}`;

export const versionInfo = (): VersionInfo => ({
  version: packageVersion(),
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  commit: commit(),
});
