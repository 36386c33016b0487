/** The toolboxes that come with vsec: what they hold, and bringing one into the cache. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareToolbox } from '../builders/toolbox/prepare.ts';
import type { Toolbox } from '../builders/toolbox.ts';
import { lockToolbox } from '../repos/lock-vse.ts';
import type { Lock } from '../repos/lock.ts';
import { writeAtomically } from '../repos/partial-file.ts';
import { VsecError } from '../vse/diagnostic.ts';
import { loadVseOrThrow } from '../vse/load.ts';
import type { Vse } from '../vse/types.ts';
import type { Session } from './session.ts';

/** The same from `cli/` and from `dist/`. */
const FOLDER = fileURLToPath(new URL('../builders/toolbox/', import.meta.url));

/** A month: then newer programs are looked for. */
export const MAX_AGE_S = 30 * 86_400;

type BootToolbox = 'boot' | 'boot-xen';

export async function toolboxDefinition(
  name: 'build' | BootToolbox | 'xen-host',
  env: Session['context']['env'],
): Promise<Vse> {
  const file = join(FOLDER, `${name}.yaml`);
  return (await loadVseOrThrow(file, { cwd: dirname(file), env })).vse;
}

interface Remembered {
  /** Seconds since 1970. */
  readonly resolved: number;
  readonly toolbox: Lock['toolbox'];
}

async function remembered(path: string): Promise<Remembered | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Remembered;
  } catch {
    return undefined;
  }
}

/**
 * The toolbox that boots images, or Xen hosts. Nothing that a boot test shows depends on its exact versions, so
 * it belongs to no lock; it is resolved once a month and kept in the cache.
 */
export async function obtainBootToolbox(
  session: Session,
  which: BootToolbox = 'boot',
): Promise<Toolbox> {
  const { context } = session;
  const definition = await toolboxDefinition(which, context.env);
  const name = `boot-${definition.treeDigest.replace(/^sha256:/, '').slice(0, 16)}.json`;
  const path = join(context.cacheDir, 'toolbox', name);
  const now = Math.floor(Date.now() / 1000);
  const known = await remembered(path);
  if (known && (context.offline || now - known.resolved < MAX_AGE_S)) {
    try {
      return await prepareToolbox(known.toolbox, 'boot toolbox', context);
    } catch (error) {
      // Mirrors drop what was superseded; then only newer programs can still be fetched.
      if (context.offline || !(error instanceof VsecError)) throw error;
    }
  }
  const { toolbox, warnings } = await lockToolbox(definition, context);
  session.diagnose(warnings);
  const ready = await prepareToolbox(toolbox, 'boot toolbox', context);
  const text = JSON.stringify({ resolved: now, toolbox } satisfies Remembered);
  await writeAtomically(path, text, 'remember the boot toolbox');
  return ready;
}
