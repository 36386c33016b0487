/** Making the lock of an environment, and bringing it up to date. */
import { architecturesOf, lockFileOf, lockOf } from '../repos/lock-architectures.ts';
import { hold } from '../builders/lease.ts';
import { describeLockDrift } from '../repos/lock-drift.ts';
import { describeLockGap } from '../repos/lock-holds.ts';
import { readLock, writeLock } from '../repos/lock-file.ts';
import { lockVse, type LockOptions } from '../repos/lock-vse.ts';
import type { Lock, LockFile } from '../repos/lock.ts';
import type { Upgrade } from '../repos/pins.ts';
import { VsecError, warning } from '../vse/diagnostic.ts';
import { loadVseOrThrow } from '../vse/load.ts';
import type { Vse } from '../vse/types.ts';
import { loadOptions } from './environment.ts';
import { lockBeside, lockPath } from './lock-beside.ts';
import type { Session } from './session.ts';
import { toolboxDefinition } from './toolboxes.ts';

export interface LockSettings {
  /** Signatures are not checked; the lock says so. */
  readonly insecure: boolean;
  /** What of the previous lock may move to other versions without need. */
  readonly upgrade?: Upgrade | undefined;
}

/**
 * Resolves the environment and the toolbox that it is built with, near a previous lock; see
 * `lockVse`. Writes nothing.
 */
export async function makeLock(
  vse: Vse,
  previous: Lock | undefined,
  session: Session,
  settings: LockSettings & Pick<LockOptions, 'tools'>,
): Promise<Lock> {
  const { context } = session;
  await hold(['indexes/', 'universe/'], context);
  const toolbox = await toolboxDefinition('build', context.env);
  const { lock, warnings } = await lockVse(vse, toolbox, context, { ...settings, previous });
  session.diagnose(warnings);
  return lock;
}

export interface LockFileSettings extends LockSettings {
  /** Beside the environment's own; those of the previous lock when absent. */
  readonly architectures?: readonly string[] | undefined;
}

/** As `makeLock`, for the environment `target` by itself, and for other architectures beside it. */
export async function makeLockFile(
  target: string,
  vse: Vse,
  previous: LockFile | undefined,
  session: Session,
  settings: LockFileSettings,
): Promise<LockFile> {
  const { architectures = severalOf(previous), upgrade, insecure } = settings;
  const own = vse.config.distribution.architecture;
  const before = (one: string): Lock | undefined => previous && lockOf(previous, one);
  const known = new Set([own, ...architectures].flatMap((one) => namesIn(before(one))));
  const settingsFor = (one: string): LockSettings => ({
    insecure,
    upgrade: upgradeOf(upgrade, before(one), known),
  });
  const lock = await makeLock(vse, before(own) ?? previous, session, settingsFor(own));
  const others: Lock[] = [];
  for (const architecture of new Set(architectures)) {
    if (architecture === own) continue;
    const options = loadOptions(target, session, { architecture });
    const { vse: retargeted } = await loadVseOrThrow(target, options);
    const also = { ...settingsFor(architecture), tools: lock.toolbox };
    others.push(await makeLock(retargeted, before(architecture), session, also));
  }
  return lockFileOf(lock, others);
}

/** One that is for a single architecture follows the environment to another. */
const severalOf = (previous: LockFile | undefined): readonly string[] =>
  previous?.otherArchitectures ? architecturesOf(previous) : [];

const namesIn = (lock: Lock | undefined): readonly string[] =>
  lock?.packages.map(({ name }) => name) ?? [];

/** What a lock has of what is to be upgraded, and what no lock has: that is refused. */
function upgradeOf(
  upgrade: Upgrade | undefined,
  lock: Lock | undefined,
  known: ReadonlySet<string>,
): Upgrade | undefined {
  if (upgrade === undefined || upgrade === 'all') return upgrade;
  const here = new Set(namesIn(lock));
  const names = upgrade.filter((name) => here.has(name) || !known.has(name));
  return names.length > 0 ? names : undefined;
}

export interface ObtainSettings extends LockSettings {
  /** Take the lock as it is, or fail. */
  readonly locked: boolean;
}

/** The lock to build with: the one that is there if it still fits, else a new one, written. */
export async function obtainLock(
  target: string,
  vse: Vse,
  session: Session,
  settings: ObtainSettings,
): Promise<Lock> {
  const path = lockPath(target);
  const own = vse.config.distribution.architecture;
  const previous = settings.locked ? await readLock(path) : await lockBeside(target);
  if (previous) {
    const lock = lockOf(previous, own) ?? previous;
    const trouble = describeLockDrift(lock, vse) ?? describeLockGap(lock, vse);
    if (trouble && settings.locked) throw new VsecError(trouble, 1);
    if (!trouble) {
      if (lock.insecure && !settings.insecure) session.diagnose([insecureLock(path)]);
      return lock;
    }
    session.say(`${path}: ${trouble.message}: locking anew`);
  }
  const file = await makeLockFile(target, vse, previous, session, settings);
  await writeLock(path, file);
  session.say(`wrote ${path}`);
  return lockOf(file, own)!;
}

const insecureLock = (path: string) =>
  warning('CLI030', `${path} was made without checking signatures`, {
    hint: "Make it anew with 'vsec lock'.",
  });
