/**
 * The newest verified release of each repository and suite, kept in the cache: to notice a mirror
 * that goes back in time, to ask only for what changed, and to work offline.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RepositoryConfig } from '../../vse/types.ts';
import { errorCode, explainIo } from '../io-errors.ts';
import { writeAtomically } from '../partial-file.ts';

/** A release document as it was received: InRelease, or Release and its detached signature. */
export interface SignedRelease {
  readonly document: Buffer;
  readonly signature?: Buffer;
}

export interface CachedRelease extends SignedRelease {
  /** The address below which it was found. */
  readonly base: string;
  readonly date: Date;
  readonly etag?: string;
  readonly lastModified?: string;
}

type Stored = Omit<CachedRelease, 'document' | 'signature' | 'date'> & {
  readonly document: string;
  readonly signature?: string;
  readonly date: string;
};

/** Where the release of a suite is kept. The mirror it came from makes no difference. */
export function releaseCachePath(
  cacheDir: string,
  repository: Pick<RepositoryConfig, 'mirror' | 'uri' | 'snapshot'>,
  suite: string,
): string {
  const { mirror, uri, snapshot } = repository;
  const identity = JSON.stringify([mirror ?? null, uri ?? null, snapshot ?? null, suite]);
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  const name = `${mirror ?? 'uri'}-${suite}`.replace(/[^A-Za-z0-9.-]+/g, '_');
  return join(cacheDir, 'releases', `${name}-${hash}.json`);
}

/** The kept release, or undefined: none yet, or a file that is no longer readable as one. */
export async function readCachedRelease(path: string): Promise<CachedRelease | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    return explainIo('read the cached release', path, () => Promise.reject(error as Error));
  }
  try {
    const { document, signature, date, ...rest } = JSON.parse(text) as Stored;
    return {
      ...rest,
      document: Buffer.from(document, 'base64'),
      ...(signature !== undefined && { signature: Buffer.from(signature, 'base64') }),
      date: new Date(date),
    };
  } catch {
    return undefined;
  }
}

export async function writeCachedRelease(path: string, release: CachedRelease): Promise<void> {
  const { document, signature, date, ...rest } = release;
  const stored: Stored = {
    ...rest,
    document: document.toString('base64'),
    ...(signature && { signature: signature.toString('base64') }),
    date: date.toISOString(),
  };
  await writeAtomically(path, JSON.stringify(stored), 'write the cached release');
}
