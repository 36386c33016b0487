/** The verified release of one suite: from a mirror, or from the cache when it is still the same. */
import { createHash } from 'node:crypto';
import { failure, VsecError, warning, type Diagnostic } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import type { RepositoryConfig } from '../../vse/types.ts';
import { AllMirrorsFailed, fromMirrors, getBytes, unreachable } from '../fetch.ts';
import { shownUrl, type HttpClient } from '../http.ts';
import type { LockedIndex } from '../lock.ts';
import { TransferError } from '../transfer-error.ts';
import { verifyCleartext, verifyDetached, type PinnedKey, type Verified } from '../trust.ts';
import {
  readCachedRelease,
  releaseCachePath,
  writeCachedRelease,
  type CachedRelease,
  type SignedRelease,
} from './release-cache.ts';
import { checkRelease, parseRelease, releaseFolder, type Release } from './release.ts';

const RELEASE_LIMIT = 32 << 20;
const SIGNATURE_LIMIT = 1 << 20;

export interface SuiteRequest {
  /** Name of the repository in the VSE. */
  readonly name: string;
  readonly repository: RepositoryConfig;
  readonly suite: string;
  /** Addresses of the archive, best first. */
  readonly bases: readonly string[];
  readonly keys: readonly PinnedKey[];
  /** Signatures are not looked at, and nothing is remembered. */
  readonly insecure: boolean;
  readonly now: Date;
}

export interface SuiteRelease {
  readonly release: Release;
  readonly index: LockedIndex;
  /** The addresses, with the one that gave the release first. */
  readonly bases: readonly string[];
  readonly warnings: readonly Diagnostic[];
}

/** `index bookworm of repository main`, for messages. */
export const indexName = (request: Pick<SuiteRequest, 'name' | 'suite'>): string =>
  `index ${request.suite} of repository ${request.name}`;

/**
 * Gets, verifies and remembers the release of one suite. Offline, the last one is used again; its
 * Valid-Until is then only a warning, as it was in time when it came.
 * @throws REPO110 no mirror answers, REPO111 offline and nothing kept, and what is wrong with the
 *   release: REPO120 to REPO131
 */
export async function fetchRelease(
  request: SuiteRequest,
  client: HttpClient,
  ctx: Context,
): Promise<SuiteRelease> {
  const path = releaseCachePath(ctx.cacheDir, request.repository, request.suite);
  const cached = request.insecure && !ctx.offline ? undefined : await readCachedRelease(path);
  if (ctx.offline) return offlineRelease(request, cached);
  const rejected: TransferError[] = [];
  let found: { readonly base: string; readonly result: Accepted; readonly kept: CachedRelease };
  try {
    found = await fromMirrors(request.bases, ctx.signal, async (base) => {
      try {
        const got = await getRelease(request, base, cached, client, ctx.signal);
        const result = await accept(request, got, cached?.date, false);
        return { base, result, kept: { ...got, date: result.release.date } };
      } catch (error) {
        if (!(error instanceof VsecError) || error.exitCode === 2) throw error;
        const message = error.diagnostics.map((d) => d.message).join('; ');
        const told = new TransferError('untrusted', base, message, { cause: error });
        rejected.push(told);
        throw told;
      }
    });
  } catch (error) {
    throw error instanceof AllMirrorsFailed ? noRelease(request, error) : error;
  }
  const { base, kept, result } = found;
  const unchanged = cached?.document.equals(kept.document) && cached.base === base;
  if (!request.insecure && !unchanged) await writeCachedRelease(path, kept);
  return {
    ...result,
    bases: [base, ...request.bases.filter((other) => other !== base)],
    warnings: rejected.map((told) =>
      warning('REPO191', `a mirror was passed over: ${told.message}`, {
        notes: [{ message: `at ${shownUrl(told.url)}` }],
      }),
    ),
  };
}

async function offlineRelease(
  request: SuiteRequest,
  cached: CachedRelease | undefined,
): Promise<SuiteRelease> {
  if (!cached) {
    throw failure('REPO111', `the ${indexName(request)} is not in the cache`, {
      notes: [{ message: 'working offline' }],
      hint: 'run once without --offline',
    });
  }
  const result = await accept(request, cached, undefined, true);
  const { validUntil } = result.release;
  const late = validUntil !== undefined && validUntil < request.now;
  const message = `the ${indexName(request)} expired on ${validUntil?.toISOString()}; used because of --offline`;
  return {
    ...result,
    bases: request.bases,
    warnings: late ? [warning('REPO125', message)] : [],
  };
}

type Accepted = Pick<SuiteRelease, 'release' | 'index'>;

/** The release of `signed`, if its signature and what it says are acceptable. */
async function accept(
  request: SuiteRequest,
  signed: SignedRelease,
  newest: Date | undefined,
  offline: boolean,
): Promise<Accepted> {
  const what = `the ${indexName(request)}`;
  const verified = await verify(request, signed, what);
  const release = parseRelease(verified.text, what);
  const { snapshot } = request.repository;
  const shown = snapshot === undefined ? undefined : snapshotTime(snapshot);
  checkRelease(release, {
    what,
    suite: request.suite,
    now: request.now,
    newest,
    current: offline ? release.date : (shown ?? request.now),
  });
  const index = {
    repository: request.name,
    suite: request.suite,
    sha256: createHash('sha256').update(signed.document).digest('hex'),
    date: release.date.toISOString(),
    ...(verified.signedBy !== undefined && { signedBy: verified.signedBy }),
  };
  return { release, index };
}

async function verify(
  request: SuiteRequest,
  { document, signature }: SignedRelease,
  what: string,
): Promise<Omit<Verified, 'signedBy'> & Partial<Verified>> {
  const { keys, now } = request;
  if (request.insecure) {
    const text = document.toString('utf8');
    const signed = /^-----BEGIN PGP SIGNED MESSAGE-----\r?\n[^]*?\r?\n\r?\n([^]*?)^-----BEGIN/m;
    return { text: signed.exec(text)?.[1] ?? text };
  }
  return signature
    ? verifyDetached(document, signature, keys, what, now)
    : verifyCleartext(document, keys, what, now);
}

/** `20250520T000000Z` as a date; an odd one counts as now. */
function snapshotTime(timestamp: string): Date | undefined {
  const iso = timestamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** InRelease, else Release with Release.gpg; the cached one when the mirror still has the same. */
async function getRelease(
  request: SuiteRequest,
  base: string,
  cached: CachedRelease | undefined,
  client: HttpClient,
  signal: AbortSignal,
): Promise<Omit<CachedRelease, 'date'>> {
  const folder = `${base}/${releaseFolder(request.suite)}`;
  const get = (name: string, limit: number, headers = {}) =>
    getBytes(client, folder + name, { signal, limit, headers });
  try {
    const same = cached?.base === base && !cached.signature ? cached : undefined;
    const { bytes, headers } = await get('InRelease', RELEASE_LIMIT, {
      ...(same?.etag && { 'if-none-match': same.etag }),
      ...(same?.lastModified && { 'if-modified-since': same.lastModified }),
    });
    if (!bytes) {
      if (same) return same;
      throw new TransferError('status', folder, 'HTTP status 304');
    }
    return {
      document: bytes,
      base,
      ...(headers['etag'] && { etag: headers['etag'] }),
      ...(headers['last-modified'] && { lastModified: headers['last-modified'] }),
    };
  } catch (error) {
    if (!(error instanceof TransferError) || error.problem !== 'missing') throw error;
  }
  const { bytes: document = Buffer.alloc(0) } = await get('Release', RELEASE_LIMIT);
  if (request.insecure) return { document, base };
  const { bytes: signature = Buffer.alloc(0) } = await get('Release.gpg', SIGNATURE_LIMIT);
  return { document, signature, base };
}

function noRelease(request: SuiteRequest, { attempts }: AllMirrorsFailed): VsecError {
  const untrusted = attempts.find((attempt) => attempt.problem === 'untrusted');
  if (untrusted?.cause instanceof VsecError) {
    const [first, ...rest] = untrusted.cause.diagnostics;
    const notes = attempts.map((a) => ({
      message: a === untrusted ? `at ${shownUrl(a.url)}` : `${shownUrl(a.url)}: ${a.message}`,
    }));
    if (first) return new VsecError([{ ...first, notes: [...first.notes, ...notes] }, ...rest]);
  }
  if (attempts.every((attempt) => attempt.problem === 'missing')) {
    return failure('REPO124', `no mirror has a signed release for the ${indexName(request)}`, {
      notes: attempts.map((a) => ({ message: `${shownUrl(a.url)}: ${a.message}` })),
      hint: 'is the name of the suite right, and the address that of the folder that holds `dists/`?',
    });
  }
  return unreachable(attempts, `cannot fetch the ${indexName(request)}`);
}
