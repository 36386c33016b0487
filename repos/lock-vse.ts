/** Locks a VSE: everything that the network and the solver decide, decided once. */
import { createHash } from 'node:crypto';
import { misuse, type Diagnostic } from '../vse/diagnostic.ts';
import { task, type Context } from '../vse/report.ts';
import type { Vse } from '../vse/types.ts';
import { loadDebUniverse, type LoadedUniverse } from './deb/load-universe.ts';
import { LOCK_FORMAT, type Lock, type LockedPackage, type LockedRepository } from './lock.ts';
import { resolve, type Resolution, type ResolvedPackage } from './resolve.ts';

export interface LockOptions {
  /** Do not check signatures; the lock says so. */
  readonly insecure?: boolean;
  /** Against which Valid-Until is held; the present when absent. */
  readonly now?: Date;
}

/**
 * Resolves a VSE and the toolbox that it is to be built with.
 *
 * @param toolbox its packages are taken with what they depend on, without essential packages
 * @throws REPO1xx repositories, SOLV101 to SOLV111 resolution
 */
export async function lockVse(
  vse: Vse,
  toolbox: Vse,
  ctx: Context,
  options: LockOptions = {},
): Promise<{ lock: Lock; warnings: readonly Diagnostic[] }> {
  const system = await lockedPart(vse, ctx, { ...options, essential: true });
  const tools = await lockToolbox(toolbox, ctx, options);
  const dates = system.indexes.map(({ date }) => Date.parse(date) / 1000);
  const lock: Lock = {
    vsecLock: LOCK_FORMAT,
    vse: { name: vse.name, version: vse.version, digest: vse.digest },
    distribution: vse.config.distribution,
    stages: vse.layers.map(({ name }) => ({ layers: [name] })),
    repositories: lockedRepositories(vse),
    indexes: system.indexes,
    epoch: Math.max(...dates),
    packages: system.packages,
    toolbox: tools.toolbox,
    ...((system.insecure || tools.insecure) && { insecure: true }),
  };
  return { lock, warnings: [...system.warnings, ...tools.warnings] };
}

/** Resolves a toolbox by itself: what it asks for and what that needs, no essential packages. */
export async function lockToolbox(
  toolbox: Vse,
  ctx: Context,
  options: LockOptions = {},
): Promise<{
  readonly toolbox: Lock['toolbox'];
  readonly warnings: readonly Diagnostic[];
  readonly insecure: boolean;
}> {
  const { packages, warnings, insecure } = await lockedPart(toolbox, ctx, {
    ...options,
    essential: false,
  });
  const repositories = lockedRepositories(toolbox);
  return {
    toolbox: { digest: packagesDigest(packages), repositories, packages },
    warnings,
    insecure,
  };
}

/** What a lock keeps of a resolution; the universe, which is large, is let go. */
async function lockedPart(
  vse: Vse,
  ctx: Context,
  options: LockOptions & { readonly essential: boolean },
): Promise<Pick<ResolvedVse, 'indexes' | 'warnings' | 'insecure'> & { packages: LockedPackage[] }> {
  const { packages, indexes, warnings, insecure } = await resolveVse(vse, ctx, options);
  return {
    packages: packages.map(lockedPackage).sort(byStageAndName),
    indexes,
    warnings,
    insecure,
  };
}

export type ResolvedVse = Resolution & Omit<LoadedUniverse, 'warnings'>;

/** Loads the universe of a VSE's repositories and resolves the VSE in it. */
export async function resolveVse(
  vse: Vse,
  ctx: Context,
  options: LockOptions & { readonly essential: boolean },
): Promise<ResolvedVse> {
  const loaded = await loadUniverse(vse, ctx, options);
  const resolution = await task(
    ctx.report,
    `resolve:${vse.name}`,
    `Resolving ${vse.name}`,
    async () => resolve(vse, loaded.universe, options),
    { summary: ({ packages }) => `${packages.length} packages` },
  );
  return { ...loaded, ...resolution, warnings: [...loaded.warnings, ...resolution.warnings] };
}

/** @throws SOLV107 (exit code 2) no repositories, or a package format that there is no room for */
export async function loadUniverse(
  vse: Vse,
  ctx: Context,
  options: LockOptions = {},
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

function lockedPackage(found: ResolvedPackage): LockedPackage {
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
  };
}

const byStageAndName = (a: LockedPackage, b: LockedPackage): number =>
  a.stage - b.stage || compare(a.name, b.name) || compare(a.architecture, b.architecture);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `sha256:…` over the packages, whatever their order and whatever they are there for. */
function packagesDigest(packages: readonly LockedPackage[]): string {
  const lines = packages.map((p) => `${p.name} ${p.version} ${p.architecture} ${p.sha256}\n`);
  return `sha256:${createHash('sha256').update(lines.sort().join('')).digest('hex')}`;
}

function lockedRepositories(vse: Vse): LockedRepository[] {
  return Object.entries(vse.config.repositories).map(([name, { type, mirror, uri, snapshot }]) => ({
    name,
    type,
    ...(mirror !== undefined && { mirror }),
    ...(uri !== undefined && { uri }),
    ...(snapshot !== undefined && { snapshot }),
  }));
}
