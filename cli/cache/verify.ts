/** Reading everything in the cache again: is it what it was when it came in? */
import { readFile, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import pLimit from 'p-limit';
import { fileDigest } from '../../builders/digest.ts';
import { statedDigest } from '../../builders/kept-stage.ts';
import { whileNobodyBegins } from '../../builders/lease.ts';
import { readManifest } from '../../builders/manifest.ts';
import { brokenSeal } from '../../builders/seal.ts';
import { buildIndex } from '../../repos/deb/index-builder.ts';
import { readCachedRelease } from '../../repos/deb/release-cache.ts';
import { explainIo } from '../../repos/io-errors.ts';
import { task, type Context } from '../../vse/report.ts';
import { plural } from '../format.ts';
import { removePaths } from './prune.ts';
import { listCache, mustStay, totalBytes, type CacheUnit, type KindName } from './units.ts';

export interface Damage {
  readonly unit: CacheUnit;
  /** To follow its path: `does not have the digest of its name`. */
  readonly why: string;
  /** Something that runs uses it, so it was left. */
  readonly inUse: boolean;
}

export interface Verified {
  readonly checked: Readonly<Partial<Record<KindName, number>>>;
  readonly damaged: readonly Damage[];
}

/** What is wrong with a unit, in words; `undefined` when nothing is. */
type Check = (path: string, signal: AbortSignal) => Promise<string | undefined>;

const OTHER_DIGEST = 'does not have the digest of its name';

/** For files that are named after their own SHA-256. */
const namedByDigest: Check = async (path, signal) =>
  (await fileDigest(path, signal)) === basename(path) ? undefined : OTHER_DIGEST;

/** Made of a Packages file, which is kept as well: made again, it must come out the same. */
const parsedIndex: Check = async (path, signal) => {
  const [sha256 = ''] = basename(path).split('.');
  const source = join(dirname(dirname(path)), 'indexes', sha256);
  if ((await fileDigest(source, signal).catch(() => undefined)) !== sha256)
    return 'cannot be compared with the index that it was made from';
  const pieces = [...(await buildIndex(source, signal)).serialise()];
  return Buffer.concat(pieces).equals(await readFile(path)) ? undefined : 'is not what it was';
};

const xenHost: Check = async (path, signal) => {
  for (const name of await readdir(path)) {
    if (!name.endsWith('_amd64') || name.startsWith('.')) continue;
    const { artifacts } = await readManifest(join(path, name));
    for (const { file, sha256 } of artifacts)
      if ((await fileDigest(join(path, name, file), signal)) !== sha256)
        return `${file} is not what it was`;
  }
  return undefined;
};

const CHECKS: Readonly<Partial<Record<KindName, Check>>> = {
  packages: namedByDigest,
  'package indexes': namedByDigest,
  'parsed indexes': parsedIndex,
  // Their signatures are checked whenever they are used.
  'signed releases': async (path) =>
    (await readCachedRelease(path)) ? undefined : 'cannot be read any more',
  'published bases': async (path) =>
    `sha256-${await fileDigest(join(path, 'manifest.json'))}` === basename(path)
      ? undefined
      : OTHER_DIGEST,
  toolboxes: async (path, signal) =>
    path.endsWith('.json')
      ? void JSON.parse(await readFile(path, 'utf8'))
      : brokenSeal(path, signal),
  'Xen hosts': xenHost,
  'built stages': async (path, signal) =>
    (await fileDigest(path, signal)) === statedDigest(basename(path)) ? undefined : OTHER_DIGEST,
  'finished trees': brokenSeal,
};

async function examine(unit: CacheUnit, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await CHECKS[unit.kind]?.(unit.path, signal);
  } catch (error) {
    signal.throwIfAborted();
    return `cannot be read: ${(error as Error).message}`;
  }
}

/** Checks all that can be checked and drops what is damaged, unless something that runs uses it. */
export async function verifyCache(context: Context): Promise<Verified> {
  const { cacheDir, report, jobs, signal } = context;
  const units = (await listCache(cacheDir)).filter(
    (unit) =>
      CHECKS[unit.kind] && basename(unit.path) !== '.partial' && !/partial-/.test(unit.path),
  );
  const checked: Partial<Record<KindName, number>> = {};
  const found: { unit: CacheUnit; why: string }[] = [];
  await task(
    report,
    'verify',
    `Verifying ${plural(units.length, 'entry', 'entries')}`,
    async (advance) => {
      const limit = pLimit(jobs);
      let done = 0;
      const check = async (unit: CacheUnit): Promise<void> => {
        signal.throwIfAborted();
        const why = await examine(unit, signal);
        if (why !== undefined) found.push({ unit, why });
        checked[unit.kind] = (checked[unit.kind] ?? 0) + 1;
        advance((done += unit.bytes));
      };
      await Promise.all(units.map((unit) => limit(check, unit)));
    },
    { total: totalBytes(units), unit: 'bytes' },
  );
  if (found.length === 0) return { checked, damaged: [] };
  const damaged = await explainIo('drop what is damaged', cacheDir, () =>
    whileNobodyBegins(cacheDir, async (held) => {
      const judged = found.map((one) => ({ ...one, inUse: inUse(one.unit, cacheDir, held) }));
      const drop = judged.filter((one) => !one.inUse).map(({ unit }) => unit.path);
      await removePaths(drop, context);
      return judged;
    }),
  );
  return { checked, damaged };
}

/** What guards against going back in time stays when it is whole; damaged it guards nothing. */
const inUse = (unit: CacheUnit, cacheDir: string, held: readonly string[]): boolean =>
  unit.kind !== 'signed releases' && mustStay(unit, cacheDir, held);
