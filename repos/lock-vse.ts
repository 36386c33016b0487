/** Locks a VSE: everything that the network and the solver decide, decided once. */
import { misuse, type Diagnostic } from '../vse/diagnostic.ts';
import { task, type Context } from '../vse/report.ts';
import type { Vse } from '../vse/types.ts';
import { loadDebUniverse, type LoadedUniverse, type UniverseOptions } from './deb/load-universe.ts';
import { LOCKED_SUITE } from './deb/locked-source.ts';
import { lockEquals } from './lock-file.ts';
import {
  LOCK_FORMAT,
  type Lock,
  type LockedIndex,
  type LockedPackage,
  type LockedRepository,
} from './lock.ts';
import { lockedOptions } from './locked-options.ts';
import { lockHolds } from './lock-holds.ts';
import { checkUpgrade, pinsOf, type Upgrade } from './pins.ts';
import { packagesDigest } from './packages-digest.ts';
import { resolve, type Resolution, type ResolvedPackage } from './resolve.ts';

export interface LockOptions {
  /** Do not check signatures; the lock says so. */
  readonly insecure?: boolean;
  /** Against which Valid-Until is held; the present when absent. */
  readonly now?: Date;
  /** The lock that is to be brought up to date: what can stay of it stays. */
  readonly previous?: Lock | undefined;
  /** What of the previous lock may move all the same. */
  readonly upgrade?: Upgrade | undefined;
  /** Tools that are decided already, such as for another architecture. */
  readonly tools?: Lock['toolbox'];
}

/**
 * Resolves a VSE and the toolbox that it is to be built with. A previous lock that still is an
 * answer is returned as it is, without asking any repository; one of an earlier state of the VSE
 * keeps its versions where that is possible. What has only newer dates counts as the same.
 *
 * @param toolbox its packages are taken with what they depend on, without essential packages
 * @throws REPO1xx repositories, SOLV101 to SOLV111 resolution, SOLV141 an upgrade of what is not
 *   locked
 */
export async function lockVse(
  vse: Vse,
  toolbox: Vse,
  ctx: Context,
  options: LockOptions = {},
): Promise<{ lock: Lock; warnings: readonly Diagnostic[] }> {
  const { previous, upgrade } = options;
  if (previous && upgrade) checkUpgrade(upgrade, previous);
  const trusted = previous && (!previous.insecure || options.insecure);
  const keepsTools = trusted && upgrade !== 'all' && previous.toolbox.definition === toolbox.digest;
  const sameTools = options.tools ?? (keepsTools ? previous.toolbox : undefined);
  if (previous && trusted && sameTools && !upgrade && lockHolds(previous, vse))
    return { lock: withBases(previous, vse), warnings: [] };
  const system = await lockedPart(vse, ctx, { ...options, essential: true });
  const tools = sameTools
    ? { toolbox: sameTools, warnings: [], insecure: previous?.insecure === true }
    : await lockToolbox(toolbox, ctx, options);
  const dates = system.indexes.map(({ date }) => Date.parse(date) / 1000);
  const kept = previous && upgrade !== 'all' && system.pinned ? previous.epoch : undefined;
  const lock: Lock = {
    vsecLock: LOCK_FORMAT,
    vse: { name: vse.name, version: vse.version, digest: vse.digest },
    distribution: vse.config.distribution,
    ...lockedBases(vse),
    stages: vse.layers.map(({ name }) => ({ layers: [name] })),
    repositories: system.repositories,
    indexes: system.indexes,
    epoch: kept ?? Math.max(...dates),
    packages: system.packages,
    toolbox: tools.toolbox,
    ...((system.insecure || tools.insecure) && { insecure: true }),
    options: lockedOptions(vse),
  };
  const warnings = [...system.warnings, ...tools.warnings];
  return { lock: previous && sameButForDates(previous, lock) ? previous : lock, warnings };
}

/** The published bases among the layers, each once, in their order. */
function lockedBases(vse: Vse): Pick<Lock, 'bases'> {
  const found = vse.layers.flatMap(({ published }) => published ?? []);
  const bases = found
    .filter((base, i) => found.findIndex((one) => one.reference === base.reference) === i)
    .map(({ version = '0', ...base }) => ({ ...base, version }));
  return bases.length > 0 ? { bases } : {};
}

/** A base may be of another version and come to the same. */
function withBases(lock: Lock, vse: Vse): Lock {
  const { bases: before, ...rest } = lock;
  const { bases } = lockedBases(vse);
  if (JSON.stringify(before) === JSON.stringify(bases)) return lock;
  return { ...rest, ...(bases && { bases }) };
}

/** Resolves a toolbox by itself: what it asks for and what that needs, no essential packages. */
export async function lockToolbox(
  toolbox: Vse,
  ctx: Context,
  options: Pick<LockOptions, 'insecure' | 'now'> = {},
): Promise<{
  readonly toolbox: Lock['toolbox'];
  readonly warnings: readonly Diagnostic[];
  readonly insecure: boolean;
}> {
  const { insecure, now } = options;
  const { packages, repositories, ...rest } = await lockedPart(toolbox, ctx, {
    ...(insecure !== undefined && { insecure }),
    ...(now !== undefined && { now }),
    essential: false,
  });
  // A toolbox is kept or replaced as a whole: what its packages state is of no use.
  const bare = packages.map(({ states: _, ...pkg }) => pkg);
  const definition = toolbox.digest;
  return {
    toolbox: { digest: packagesDigest(packages), definition, repositories, packages: bare },
    warnings: rest.warnings,
    insecure: rest.insecure,
  };
}

/** Packages, stages, tools and all else but when the repositories were asked, and lines moved. */
function sameButForDates(a: Lock, b: Lock): boolean {
  const undated = (repositories: readonly LockedRepository[]) =>
    repositories.map(({ dates: _, ...repository }) => repository);
  const timeless = (lock: Lock): Lock => ({
    ...lock,
    indexes: [],
    epoch: 0,
    repositories: undated(lock.repositories),
    toolbox: { ...lock.toolbox, repositories: undated(lock.toolbox.repositories) },
    options: lock.options?.map(({ path, digest }) => ({ path, digest })) ?? [],
  });
  return lockEquals(timeless(a), timeless(b));
}

interface LockedPart extends Pick<ResolvedVse, 'indexes' | 'warnings' | 'insecure'> {
  readonly packages: LockedPackage[];
  readonly repositories: LockedRepository[];
  /** Some package was taken from the previous lock. */
  readonly pinned: boolean;
}

/** What a lock keeps of a resolution; the universe, which is large, is let go. */
async function lockedPart(
  vse: Vse,
  ctx: Context,
  options: LockOptions & { readonly essential: boolean },
): Promise<LockedPart> {
  const { packages, universe, indexes, warnings, insecure, pins } = await resolveVse(
    vse,
    ctx,
    options,
  );
  const pinned = new Set(pins.map(({ sha256 }) => sha256));
  // Where a package is in no present index, those of the previous lock still vouch for it.
  const older = new Set(packages.flatMap((p) => (p.suite === LOCKED_SUITE ? [p.repository] : [])));
  const known = new Set(indexes.map(({ sha256 }) => sha256));
  const vouching = (options.previous?.indexes ?? []).filter(
    (index) => older.has(index.repository) && !known.has(index.sha256),
  );
  const all = [...indexes, ...vouching];
  return {
    packages: packages
      .map((found) => lockedPackage(found, universe.states(found.candidate)))
      .sort(byStageAndName),
    repositories: lockedRepositories(vse, all),
    indexes: all,
    warnings,
    insecure,
    pinned: packages.some(({ sha256 }) => pinned.has(sha256)),
  };
}

export type ResolvedVse = Resolution &
  Omit<LoadedUniverse, 'warnings'> & { readonly pins: readonly LockedPackage[] };

/** Loads the universe of a VSE's repositories and resolves the VSE in it, near the previous lock. */
export async function resolveVse(
  vse: Vse,
  ctx: Context,
  options: LockOptions & { readonly essential: boolean },
): Promise<ResolvedVse> {
  const { previous, upgrade } = options;
  const pins = previous && options.essential ? pinsOf(previous, vse, pinOptions(options)) : [];
  const keep = pins.length > 0 ? previous!.packages.map(({ name }) => name) : [];
  const loaded = await loadUniverse(vse, ctx, { ...options, pins, keep });
  const moving = Array.isArray(upgrade) ? { upgrade: upgrade as readonly string[] } : {};
  const resolution = await task(
    ctx.report,
    `resolve:${vse.name}`,
    `Resolving ${vse.name}`,
    async () => resolve(vse, loaded.universe, { essential: options.essential, ...moving }),
    { summary: ({ packages }) => `${packages.length} packages` },
  );
  return { ...loaded, ...resolution, pins, warnings: [...loaded.warnings, ...resolution.warnings] };
}

/** @throws SOLV107 (exit code 2) no repositories, or a package format that there is no room for */
export async function loadUniverse(
  vse: Vse,
  ctx: Context,
  options: UniverseOptions = {},
): Promise<LoadedUniverse> {
  const { repositories, distribution } = vse.config;
  if (Object.keys(repositories).length === 0)
    throw misuse('SOLV107', `'${vse.name}' has no repository to take packages from`, {
      hint: 'extend a base that has one, such as debian-12',
    });
  for (const [name, { type }] of Object.entries(repositories))
    if (type !== 'deb')
      throw misuse('SOLV107', `repository ${name} holds packages of an unknown type '${type}'`, {
        hint: 'the known type is deb',
      });
  const foreign = vse.packages.flatMap(({ architecture }) => architecture ?? []);
  const architectures = new Set([distribution.architecture, ...foreign]);
  return loadDebUniverse(repositories, [...architectures] as [string], ctx, options);
}

const pinOptions = ({ upgrade, insecure }: LockOptions) => ({
  ...(upgrade !== undefined && { upgrade }),
  ...(insecure !== undefined && { insecure }),
});

function lockedPackage(found: ResolvedPackage, states: LockedPackage['states']): LockedPackage {
  const { name, version, architecture, sha256, size, repository, stage, reason } = found;
  const { filename, installedSize, essential, source } = found;
  return {
    name,
    version,
    architecture,
    sha256,
    size,
    repository,
    stage,
    reason,
    filename,
    installedSize,
    source,
    ...(essential && { essential }),
    ...(states && Object.keys(states).length > 0 && { states }),
  };
}

const byStageAndName = (a: LockedPackage, b: LockedPackage): number =>
  a.stage - b.stage || compare(a.name, b.name) || compare(a.architecture, b.architecture);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function lockedRepositories(vse: Vse, indexes: readonly LockedIndex[]): LockedRepository[] {
  const datesOf = (name: string): string[] => {
    const dates = indexes.flatMap(({ repository, date }) => (repository === name ? [date] : []));
    return [...new Set(dates)].sort().reverse();
  };
  return Object.entries(vse.config.repositories).map(([name, { type, mirror, uri, snapshot }]) => ({
    name,
    type,
    ...(mirror !== undefined && { mirror }),
    ...(uri !== undefined && { uri }),
    ...(snapshot !== undefined && { snapshot }),
    dates: datesOf(name),
  }));
}
