/** The Xen host in which guests of Xen are booted: a VSE of our own, built once and kept. */
import { mkdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { XenHostSource } from '../builders/boot/xen-venue.ts';
import { buildBundle } from '../builders/build.ts';
import { hold } from '../builders/lease.ts';
import { noteUse } from '../repos/last-use.ts';
import { describeLockDrift } from '../repos/lock-drift.ts';
import { readLock, writeLock } from '../repos/lock-file.ts';
import type { Lock } from '../repos/lock.ts';
import { VsecError } from '../vse/diagnostic.ts';
import type { Vse } from '../vse/types.ts';
import { makeLock } from './locking.ts';
import type { Session } from './session.ts';
import { MAX_AGE_S, obtainBootToolbox, toolboxDefinition } from './toolboxes.ts';

/**
 * It is only ever booted, from an overlay, so that nothing but its disk counts: what boots it, what
 * netboots nodes, and glue's texts have no part in that.
 */
export const LEAST = {
  formats: ['qcow2'],
  backends: ['xen-host'],
  apart: [
    ...['builders/boot', 'builders/netboot'],
    ...['libvirt', 'netboot', 'palacios', 'qemu', 'v3m', 'vmware', 'xen'].map(
      (name) => `templates/${name}`,
    ),
  ],
};

/** The host, and the toolbox that starts it. */
export const obtainXenHost = async (session: Session): Promise<XenHostSource> => ({
  bundle: await hostBundle(session),
  toolbox: await obtainBootToolbox(session, 'boot-xen'),
});

/**
 * Absolute path of its bundle. As with the boot toolbox, nothing that a boot test shows depends on
 * exact versions: it is resolved once a month, and built again when what makes its disk has changed.
 */
async function hostBundle(session: Session): Promise<string> {
  const { context } = session;
  const vse = await toolboxDefinition('xen-host', context.env);
  const folder = join(
    context.cacheDir,
    'xen-host',
    vse.digest.replace(/^sha256:/, '').slice(0, 16),
  );
  await mkdir(folder, { recursive: true });
  await hold([relative(context.cacheDir, folder)], context);
  await noteUse(folder);
  const build = async (lock: Lock): Promise<string> =>
    (await buildBundle(vse, lock, { outputDirectory: folder, ...LEAST }, context)).bundle;
  const path = join(folder, 'lock.json');
  const known = await fresh(path, vse, context.offline);
  if (known) {
    try {
      return await build(known);
    } catch (error) {
      // Mirrors drop what was superseded; then only newer packages can still be fetched.
      if (context.offline || !(error instanceof VsecError)) throw error;
    }
  }
  const lock = await makeLock(vse, undefined, session, { insecure: false });
  await writeLock(path, lock);
  return build(lock);
}

/** The lock at `path`, while it fits and is young enough. */
async function fresh(path: string, vse: Vse, offline: boolean): Promise<Lock | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    if (!offline && Date.now() - mtimeMs > MAX_AGE_S * 1000) return undefined;
    const lock = await readLock(path);
    return describeLockDrift(lock, vse) ? undefined : lock;
  } catch {
    return undefined;
  }
}
