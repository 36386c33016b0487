/** What `vsec diff` compares: environments, locks, bundles, and what they have in common. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST, readManifest, type Manifest } from '../builders/manifest.ts';
import { describeLockDrift } from '../repos/lock-drift.ts';
import { readLock } from '../repos/lock-file.ts';
import type { Lock } from '../repos/lock.ts';
import { warning } from '../vse/diagnostic.ts';
import { explainOption } from '../vse/explain.ts';
import { OPTIONS } from '../vse/options.ts';
import type { TracedVse } from '../vse/types.ts';
import { openEnvironment, refuseNothing } from './environment.ts';
import { lockPath } from './locking.ts';
import type { Session } from './session.ts';

export interface Side {
  readonly kind: 'environment' | 'lock' | 'bundle';
  readonly vse?: TracedVse;
  readonly lock?: Lock;
  readonly manifest?: Manifest;
}

/** What `target` names; a bundle brings its lock, an environment the lock beside it if it fits. */
export async function openSide(target: string, session: Session): Promise<Side> {
  refuseNothing(target);
  const stat = statSync(target, { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    const manifest = await readManifest(target);
    const path = join(target, 'lock.json');
    return {
      ...{ kind: 'bundle', manifest },
      ...(existsSync(path) && { lock: await readLock(path) }),
    };
  }
  if (stat && target.endsWith('.json') && target !== MANIFEST) {
    return { kind: 'lock', lock: await readLock(target) };
  }
  const vse = await openEnvironment(target, session);
  const path = lockPath(target);
  const lock = existsSync(path) ? await readLock(path) : undefined;
  const drift = lock && describeLockDrift(lock, vse);
  if (drift) {
    const hint = `Bring it up to date with 'vsec lock ${target}'; without it packages are not compared.`;
    session.diagnose([warning('CLI031', `${path} is of an earlier state of ${target}`, { hint })]);
  }
  return { kind: 'environment', vse, ...(lock && !drift && { lock }) };
}

export interface OptionChange {
  readonly path: string;
  readonly from?: unknown;
  readonly to?: unknown;
}

/** Every value of the merged options, by its path. */
function values(vse: TracedVse): Map<string, unknown> {
  const found = new Map<string, unknown>([
    ['name', vse.name],
    ['version', vse.version],
  ]);
  for (const key of Object.keys(OPTIONS.fields)) {
    for (const { path, value } of explainOption(vse, key)?.given ?? []) {
      if (value !== undefined) found.set(path, value);
    }
  }
  for (const { name } of vse.excluded) found.set(`exclude.packages.${name}`, name);
  return found;
}

export function diffOptions(a: TracedVse, b: TracedVse): readonly OptionChange[] {
  const [before, after] = [values(a), values(b)];
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((path) => {
    const [from, to] = [before.get(path), after.get(path)];
    if (JSON.stringify(from) === JSON.stringify(to)) return [];
    return { path, ...(before.has(path) && { from }), ...(after.has(path) && { to }) };
  });
}

export interface ArtifactChange {
  readonly format: string;
  /** Bytes; absent where there is none. */
  readonly from?: number;
  readonly to?: number;
}

/** Images, kernels and initrds whose bytes differ. */
export function diffArtifacts(a: Manifest, b: Manifest): readonly ArtifactChange[] {
  const ours = ({ artifacts }: Manifest) =>
    new Map(artifacts.filter((x) => x.format !== 'glue').map((x) => [x.format, x]));
  const [before, after] = [ours(a), ours(b)];
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((format) => {
    const [from, to] = [before.get(format), after.get(format)];
    if (from?.sha256 === to?.sha256) return [];
    return { format, ...(from && { from: from.size }), ...(to && { to: to.size }) };
  });
}
