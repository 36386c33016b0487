/** Packages of a lock, from the mirrors into the store. */
import { failure, misuse, type VsecError } from '../vse/diagnostic.ts';
import { task, type Context } from '../vse/report.ts';
import { AllMirrorsFailed, download, downloadFailure } from './fetch.ts';
import { fromMirrorsOrArchive, type Addresses } from './dropped-packages.ts';
import { HttpClient } from './http.ts';
import type { LockedPackage, LockedRepository } from './lock.ts';
import { archiveUrls, baseUrls } from './mirrors.ts';
import { Store } from './store.ts';
import { together } from './together.ts';
import { takeTurn } from './turn.ts';

const CONNECTIONS = 8;
const LISTED = 10;

export interface FetchOptions {
  /**
   * Told of each package as soon as it is in the store, those that were there already first. What
   * it returns is awaited before `fetchPackages` returns, but holds up no download; when it fails,
   * the downloads stop and `fetchPackages` fails with it.
   */
  readonly onPackage?: (pkg: LockedPackage, path: string) => void | Promise<void>;
}

/**
 * Brings every package into the store, eight at a time, each verified by size and SHA-256 before
 * it enters. Stops on the first failure or on `ctx.signal`, leaving no partial file and no
 * connection behind.
 *
 * @returns SHA-256 → absolute path of the package file
 * @throws REPO101 to REPO104 no address for a repository, REPO110 mirrors cannot be reached,
 *   REPO112 offline and not in the store, REPO150 tampered or corrupt, REPO151 incomplete,
 *   REPO152 on no mirror and in no archive of snapshots, REPO160 to REPO162 the store cannot be written
 */
export async function fetchPackages(
  packages: readonly LockedPackage[],
  repositories: readonly LockedRepository[],
  ctx: Context,
  options: FetchOptions = {},
): Promise<ReadonlyMap<string, string>> {
  const store = new Store(ctx.cacheDir);
  const paths = new Map<string, string>();
  const missing: LockedPackage[] = [];
  const stop = new AbortController();
  const followUps: Promise<void>[] = [];
  const arrived = (pkg: LockedPackage, path: string) => {
    paths.set(pkg.sha256, path);
    const work = (async () => options.onPackage?.(pkg, path))();
    followUps.push(work.catch((error: unknown) => stop.abort(error)));
  };
  for (const pkg of new Map(packages.map((p) => [p.sha256, p])).values()) {
    if (await store.has(pkg.sha256, pkg.size)) arrived(pkg, store.path(pkg.sha256));
    else missing.push(pkg);
  }
  try {
    if (missing.length > 0) {
      if (ctx.offline) throw offline(missing);
      const signal = AbortSignal.any([ctx.signal, stop.signal]);
      await fetchMissing(missing, repositories, store, { ...ctx, signal }, arrived);
    }
  } finally {
    await Promise.all(followUps);
  }
  ctx.signal.throwIfAborted();
  stop.signal.throwIfAborted();
  return paths;
}

async function fetchMissing(
  missing: readonly LockedPackage[],
  repositories: readonly LockedRepository[],
  store: Store,
  ctx: Context,
  arrived: (pkg: LockedPackage, path: string) => void,
): Promise<void> {
  await store.sweep();
  const bases = await addresses(missing, repositories, ctx);
  const client = new HttpClient(ctx, CONNECTIONS);
  const total = missing.reduce((sum, pkg) => sum + pkg.size, 0);
  const summary = () => `${missing.length} packages, ${(total / 1e6).toFixed(1)} MB`;
  const work = async (advance: (done: number, total?: number, detail?: string) => void) => {
    let done = 0;
    // As builds want them; of one stage the large ones first: they take longest to unpack, too.
    const order = missing.toSorted((a, b) => a.stage - b.stage || b.size - a.size);
    await together(order, CONNECTIONS, ctx.signal, async (pkg, signal) => {
      const onBytes = (difference: number) => advance((done += difference), total, pkg.name);
      const addresses = bases.get(pkg.repository)!;
      const from = (urls: readonly string[]) =>
        fetchPackage(
          pkg,
          urls.map((base) => packageUrl(base, pkg)),
          { client, store, onBytes, ctx: { ...ctx, signal } },
        );
      arrived(pkg, await fromMirrorsOrArchive(pkg, addresses, from, ctx));
    });
  };
  try {
    await task(ctx.report, 'fetch', 'Downloading packages', work, {
      total,
      unit: 'bytes',
      summary,
    });
  } finally {
    await client.close();
  }
}

interface Fetching {
  readonly client: HttpClient;
  readonly store: Store;
  readonly onBytes: (difference: number) => void;
  readonly ctx: Context;
}

async function fetchPackage(
  pkg: LockedPackage,
  urls: readonly string[],
  { client, store, onBytes, ctx }: Fetching,
): Promise<string> {
  const { sha256, size } = pkg;
  const { signal } = ctx;
  const isThere = (): boolean => store.hasNow(sha256, size);
  const end = await takeTurn(`package-${sha256}`, isThere, { ...ctx, report: () => undefined });
  if (isThere()) {
    end();
    onBytes(size);
    return store.path(sha256);
  }
  const file = await store.begin();
  try {
    await download(client, file, { urls, sha256, size, signal, onBytes });
    return await store.adopt(file);
  } catch (error) {
    if (!(error instanceof AllMirrorsFailed)) throw error;
    const what = `package ${pkg.name} ${pkg.version} of repository ${pkg.repository}`;
    throw downloadFailure(error, what, 'REPO150', { sha256, size });
  } finally {
    await file.discard();
    end();
  }
}

/** The addresses of every repository that a package comes from. */
async function addresses(
  packages: readonly LockedPackage[],
  repositories: readonly LockedRepository[],
  ctx: Context,
): Promise<Map<string, Addresses>> {
  const bases = new Map<string, Addresses>();
  for (const name of new Set(packages.map((pkg) => pkg.repository))) {
    const repository = repositories.find((candidate) => candidate.name === name);
    if (!repository) throw misuse('REPO105', `the lock does not describe its repository '${name}'`);
    const architectures = packages.filter((p) => p.repository === name).map((p) => p.architecture);
    bases.set(name, {
      mirror: repository.mirror,
      mirrors: await baseUrls(repository, ctx, { architectures }),
      archives: await archiveUrls(repository, repository.dates ?? [], ctx),
    });
  }
  return bases;
}

function packageUrl(base: string, pkg: LockedPackage): string {
  const parts = pkg.filename.split('/').filter((part) => part !== '.' && part !== '');
  if (parts.length === 0 || parts.includes('..')) {
    throw misuse('REPO106', `package ${pkg.name} has an impossible file name: ${pkg.filename}`);
  }
  return [base, ...parts.map(encodeURIComponent)].join('/');
}

function offline(missing: readonly LockedPackage[]): VsecError {
  const bytes = missing.reduce((sum, pkg) => sum + pkg.size, 0);
  const names = missing.slice(0, LISTED).map((pkg) => ({ message: `${pkg.name} ${pkg.version}` }));
  const more = missing.length - names.length;
  return failure(
    'REPO112',
    `${missing.length} packages (${(bytes / 1e6).toFixed(1)} MB) are not in the store`,
    {
      notes: [...names, ...(more > 0 ? [{ message: `and ${more} more` }] : [])],
      hint: 'working offline; run once without --offline to fetch them',
    },
  );
}
