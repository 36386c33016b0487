/** Making the lock of an environment, and bringing it up to date. */
import { architecturesOf, lockFileOf, lockOf } from '../repos/lock-architectures.ts';
import { hold } from '../builders/lease.ts';
import { lockVse, type LockOptions } from '../repos/lock-vse.ts';
import type { Lock, LockFile } from '../repos/lock.ts';
import type { Upgrade } from '../repos/pins.ts';
import { loadVseOrThrow } from '../vse/load.ts';
import type { Vse } from '../vse/types.ts';
import { loadOptions } from './environment.ts';
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
