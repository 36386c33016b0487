/** From a repository's description to its verified Packages files in the cache. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { failure, misuse, VsecError, warning, type Diagnostic } from '../../vse/diagnostic.ts';
import { task, type Context } from '../../vse/report.ts';
import type { RepositoryConfig } from '../../vse/types.ts';
import { AllMirrorsFailed, download, downloadFailure } from '../fetch.ts';
import { HttpClient } from '../http.ts';
import { noteUse } from '../last-use.ts';
import type { LockedIndex } from '../lock.ts';
import { baseUrls } from '../mirrors.ts';
import { PartialFile, removeAbandoned } from '../partial-file.ts';
import { together } from '../together.ts';
import { TransferError } from '../transfer-error.ts';
import { readPinnedKeys } from '../trust.ts';
import { unxz } from '../xz.ts';
import { fetchRelease, indexName, type SuiteRelease, type SuiteRequest } from './fetch-release.ts';
import { releaseFolder, selectIndexes, type PackagesIndex } from './release.ts';

const AT_ONCE = 4;
/** Bound for a Packages file whose plain size the release does not state. */
const PLAIN_LIMIT = 1 << 30;
const PURPOSE = 'write the cached indexes';

/** One Packages file: decompressed, verified, at `indexes/<sha256>` in the cache. */
export interface PackagesFile {
  readonly repository: string;
  readonly suite: string;
  readonly component: string;
  readonly architecture: string;
  /** What its suite asks for: as `Release.priority`. */
  readonly priority: number;
  /** Absolute path of the decompressed file; it never changes. */
  readonly path: string;
  /** Of the decompressed file, hex. */
  readonly sha256: string;
}

export interface LoadedIndexes {
  /** One for each suite, in the order of the repository's suites. */
  readonly indexes: readonly LockedIndex[];
  /** By suite, component, architecture, in the order in which they were asked for. */
  readonly packages: readonly PackagesFile[];
  readonly warnings: readonly Diagnostic[];
  /** Signatures were not looked at: mark what is made from this. */
  readonly insecure: boolean;
}

/**
 * Fetches (or finds in the cache) and verifies the indexes of one repository, from the signature
 * down: release by the pinned keys, Packages files by size and SHA-256 before and after they are
 * decompressed. Nothing that is unchanged is fetched twice.
 *
 * @param name of the repository in the VSE
 * @throws REPO101 to REPO104 configuration, REPO110 to REPO131 release, REPO140 tampered or
 *   corrupt Packages file, REPO151 and REPO152 incomplete or missing, REPO160 to REPO162 cache
 */
export async function loadIndexes(
  name: string,
  repository: RepositoryConfig,
  architectures: readonly string[],
  ctx: Context,
  options: { readonly insecure?: boolean; readonly now?: Date } = {},
): Promise<LoadedIndexes> {
  const insecure = options.insecure ?? false;
  if (!insecure && repository.signedBy.length === 0) {
    throw misuse('REPO132', `repository ${name} names no key that may sign it`, {
      hint: 'give `signed-by`, or use --insecure-ignore-signatures and know what that means',
    });
  }
  const keys = insecure ? [] : await readPinnedKeys(repository.signedBy);
  const bases = ctx.offline ? [] : await baseUrls(repository, ctx, { architectures });
  const client = new HttpClient(ctx, AT_ONCE);
  await removeAbandoned(partials(ctx)).catch(() => 0);
  await removeAbandoned(join(ctx.cacheDir, 'releases', '.partial')).catch(() => 0);
  const work = async (advance: (done: number, total: number) => void) => {
    const now = options.now ?? new Date();
    const progress = progressOf(advance);
    const suites = await together(repository.suites, AT_ONCE, ctx.signal, async (suite, signal) => {
      const request = { name, repository, suite, bases, keys, insecure, now };
      const fetching = { client, progress, ctx: { ...ctx, signal } };
      return suiteIndexes(request, architectures, fetching);
    });
    return {
      indexes: suites.map(({ found }) => found.index),
      packages: suites.flatMap(({ files }) => files),
      warnings: [
        ...(insecure ? [ignored(name)] : []),
        ...suites.flatMap(({ found }) => found.warnings),
      ],
      insecure,
    };
  };
  try {
    const label = `Reading the indexes of ${name}`;
    return await task(ctx.report, `indexes:${name}`, label, work, { unit: 'bytes' });
  } finally {
    await client.close();
  }
}

interface SuiteIndexes {
  readonly found: SuiteRelease;
  readonly files: readonly PackagesFile[];
}

/** A mirror that is updated between one file and the next is asked for all of them once more. */
async function suiteIndexes(
  request: SuiteRequest,
  architectures: readonly string[],
  fetching: Fetching,
): Promise<SuiteIndexes> {
  const get = async (found: SuiteRelease): Promise<SuiteIndexes> => ({
    found,
    files: await packagesFiles(request, found, architectures, fetching),
  });
  const found = await fetchRelease(request, fetching.client, fetching.ctx);
  try {
    return await get(found);
  } catch (error) {
    const code = error instanceof VsecError ? error.diagnostics[0]?.code : undefined;
    if (fetching.ctx.offline || !CHANGING.has(code ?? '')) throw error;
    const now = await fetchRelease(request, fetching.client, fetching.ctx);
    if (now.index.sha256 === found.index.sha256) throw error;
    return get(now);
  }
}

/** What the files of one call share. */
interface Fetching {
  readonly client: HttpClient;
  readonly ctx: Context;
  readonly progress: { expect(bytes: number): void; got(bytes: number): void };
}

function progressOf(advance: (done: number, total: number) => void): Fetching['progress'] {
  let [done, total] = [0, 0];
  return {
    expect: (bytes) => advance(done, (total += bytes)),
    got: (bytes) => advance((done += bytes), total),
  };
}

/** How files look that are not those of their release: other bytes, or none. */
const CHANGING: ReadonlySet<string> = new Set(['REPO140', 'REPO152']);

const ignored = (name: string): Diagnostic =>
  warning('REPO190', `the signatures of repository ${name} are not checked`, {
    hint: 'whoever controls the mirror or the network decides what is installed',
  });

const partials = (ctx: Context): string => join(ctx.cacheDir, 'indexes', '.partial');

async function packagesFiles(
  request: SuiteRequest,
  { release, bases }: SuiteRelease,
  architectures: readonly string[],
  fetching: Fetching,
): Promise<PackagesFile[]> {
  const { name, suite, repository } = request;
  const { cacheDir, signal } = fetching.ctx;
  const what = `the ${indexName(request)}`;
  const { components } = repository;
  const chosen = selectIndexes(release, { what, suite, components, architectures });
  return together(chosen, AT_ONCE, signal, async (index, either) => {
    const { component, architecture } = index;
    const folder = releaseFolder(suite);
    const urls = bases.flatMap((base) => index.paths.map((p) => `${base}/${folder}${p}`));
    const told = `the Packages file ${component}/${architecture} of ${what}`;
    const here = { ...fetching, ctx: { ...fetching.ctx, signal: either } };
    const sha256 = await packagesFile(index, urls, told, here);
    const path = join(cacheDir, 'indexes', sha256);
    const { priority } = release;
    return { repository: name, suite, component, architecture, priority, path, sha256 };
  });
}

/** Returns the SHA-256 of the decompressed file, which is then in the cache. */
async function packagesFile(
  index: PackagesIndex,
  urls: readonly string[],
  what: string,
  { client, ctx, progress }: Fetching,
): Promise<string> {
  const { plain, sent } = index;
  if (plain && (await sizeOf(join(ctx.cacheDir, 'indexes', plain.sha256))) === plain.size) {
    await noteUse(join(ctx.cacheDir, 'indexes', plain.sha256));
    return plain.sha256;
  }
  if (ctx.offline) {
    throw failure('REPO111', `${what} is not in the cache`, {
      hint: 'working offline; run once without --offline',
    });
  }
  const received = await PartialFile.create(partials(ctx), PURPOSE);
  const unpacked = await PartialFile.create(partials(ctx), PURPOSE);
  try {
    progress.expect(sent.size);
    const wanted = { urls, ...sent, signal: ctx.signal, onBytes: progress.got };
    const url = await download(client, received, wanted);
    await decompress(received.path, index, unpacked, url);
    const { sha256 } = unpacked;
    await unpacked.commit(join(ctx.cacheDir, 'indexes', sha256));
    return sha256;
  } catch (error) {
    ctx.signal.throwIfAborted();
    const failed = error instanceof TransferError ? new AllMirrorsFailed([error]) : error;
    if (!(failed instanceof AllMirrorsFailed)) throw failed;
    throw downloadFailure(failed, what, 'REPO140', sent);
  } finally {
    await received.discard();
    await unpacked.discard();
  }
}

async function decompress(
  path: string,
  { compression, plain }: PackagesIndex,
  into: PartialFile,
  url: string,
): Promise<void> {
  const limit = plain?.size ?? PLAIN_LIMIT;
  try {
    for await (const chunk of decompressed(path, compression)) {
      if (into.size + chunk.length > limit) {
        throw new TransferError('length', url, `is longer than ${limit} bytes when decompressed`);
      }
      await into.write(chunk);
    }
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== 'string' || !code.startsWith('Z_')) throw error;
    throw new TransferError('digest', url, 'cannot be decompressed');
  }
  if (plain && (into.size !== plain.size || into.sha256 !== plain.sha256)) {
    throw new TransferError('digest', url, `has SHA-256 ${into.sha256} when decompressed`);
  }
}

function decompressed(
  path: string,
  compression: PackagesIndex['compression'],
): AsyncIterable<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  if (compression === 'none') return file;
  if (compression === 'gz') return file.pipe(createGunzip({ chunkSize: 1 << 18 }));
  return unxz(file);
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
