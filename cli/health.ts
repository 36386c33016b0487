/** What `vsec doctor` looks at: everything that the host has to bring along. */
import { accessSync, constants, statfsSync } from 'node:fs';
import { VsecError } from '../vse/diagnostic.ts';
import type { Context } from '../vse/report.ts';
import { kvmObstacle } from '../builders/boot/accelerator.ts';
import { probeSandbox } from '../builders/sandbox/modes.ts';
import { makeFolder } from '../repos/io-errors.ts';
import { resolveMirror } from '../repos/mirrors.ts';
import { formatBytes } from './format.ts';

export interface Finding {
  readonly topic: string;
  /** `missing`: nothing can be built; `limited`: something cannot, or only slowly. */
  readonly state: 'ok' | 'limited' | 'missing';
  readonly detail: string;
  /** What mends it, a command where there is one. */
  readonly remedy?: string;
}

const OLDEST_NODE = [20, 11] as const;
/** A toolbox, an index, the packages and the images of a small build. */
const ROOMY = 5e9;
const MIRRORS = ['debian', 'debian-security'] as const;

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const old = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  const topic = 'Node.js';
  if (!old) return { topic, state: 'ok', detail: process.version };
  const needed = OLDEST_NODE.join('.');
  return {
    ...{ topic, state: 'missing', detail: `${process.version} is older than ${needed}` },
    remedy: `install Node.js ${needed} or newer`,
  };
}

async function checkCache(context: Context): Promise<Finding> {
  const topic = 'cache';
  const dir = context.cacheDir;
  try {
    await makeFolder(dir);
    accessSync(dir, constants.W_OK);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    return {
      ...{ topic, state: 'missing', detail: `${dir} cannot be written (${why})` },
      remedy: 'choose another folder with --cache-dir or VSEC_CACHE_DIR',
    };
  }
  const { bavail, bsize } = statfsSync(dir);
  const free = bavail * bsize;
  const detail = `${dir}, ${formatBytes(free)} free`;
  if (free >= ROOMY) return { topic, state: 'ok', detail };
  return {
    ...{ topic, state: 'limited', detail: `${detail}; a build may need ${formatBytes(ROOMY)}` },
    remedy: 'vsec cache prune, or choose another folder with --cache-dir or VSEC_CACHE_DIR',
  };
}

async function checkMirror(name: string, context: Context): Promise<Finding> {
  const topic = `mirror ${name}`;
  try {
    const addresses = await resolveMirror(name, context);
    return { topic, state: 'ok', detail: addresses.join(', ') };
  } catch (error) {
    if (!(error instanceof VsecError)) throw error;
    const [first] = error.diagnostics;
    const remedy = first?.hint;
    return {
      ...{ topic, state: 'limited', detail: first?.message ?? error.message },
      ...(remedy !== undefined && { remedy }),
    };
  }
}

/** Whether guests can run at full speed here. */
function checkKvm(): Finding {
  const topic = 'KVM';
  const obstacle = kvmObstacle();
  if (obstacle === undefined) return { topic, state: 'ok', detail: 'usable' };
  return {
    ...{ topic, state: 'limited' },
    detail: `${obstacle}; guests run emulated, several times slower`,
    ...(obstacle.includes('opened') && { remedy: 'usermod -aG kvm "$USER"' }),
  };
}

async function checkSandbox(): Promise<readonly Finding[]> {
  const modes = await probeSandbox();
  const chosen = modes.find((mode) => mode.usable);
  return modes.map((mode): Finding => {
    const topic = `sandbox ${mode.mode}`;
    if (mode.usable) {
      const detail = mode === chosen ? 'usable; this one will be used' : 'usable';
      return { topic, state: 'ok', detail };
    }
    return {
      ...{ topic, state: chosen ? 'limited' : 'missing', detail: mode.reason ?? 'not usable' },
      ...(mode.remedy !== undefined && { remedy: mode.remedy }),
    };
  });
}

/** Looks at the whole host. Nothing is changed, but for the cache folder, which is made. */
export async function examineHost(context: Context): Promise<readonly Finding[]> {
  return [
    checkNode(),
    ...(await checkSandbox()),
    await checkCache(context),
    ...(await Promise.all(MIRRORS.map((name) => checkMirror(name, context)))),
    checkKvm(),
  ];
}
