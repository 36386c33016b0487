/**
 * Trees of stages, as the cache keeps them: each a canonical tar, named after the key of its stage
 * and its own SHA-256, so that name, content and digest appear as one.
 */
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { explainIo } from '../repos/io-errors.ts';
import { warning } from '../vse/diagnostic.ts';
import type { Context } from '../vse/report.ts';
import { fileDigest } from './digest.ts';

export interface KeptStage {
  /** Absolute. */
  readonly path: string;
  /** Of the tar, hex. */
  readonly sha256: string;
}

const NAME = /^(?<key>[0-9a-f]{64})\.(?<sha256>[0-9a-f]{64})\.tar$/;

/** The SHA-256 that a kept stage's file name states; `undefined` when it states none. */
export const statedDigest = (name: string): string | undefined =>
  NAME.exec(name)?.groups?.['sha256'];

/** The kept tree of the stage with that key; `undefined` when there is none. */
export function keptStage(cacheDir: string, key: string): KeptStage | undefined {
  const folder = join(cacheDir, 'stages');
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return undefined;
  }
  const name = names.find((one) => NAME.exec(one)?.groups?.['key'] === key);
  const sha256 = statedDigest(name ?? '');
  return name && sha256 ? { path: join(folder, name), sha256 } : undefined;
}

/**
 * Puts the tar at `partial` among the kept stages, under `path`: its folder and its stage's key.
 * @throws DamagedStage when `begun`, which its tree was begun with, is damaged: then it is, too
 */
export async function keepStage(partial: string, path: string, begun?: KeptStage): Promise<void> {
  if (begun) await checkStage(begun, new AbortController().signal);
  renameSync(partial, `${path}.${await fileDigest(partial)}.tar`);
}

/** The kept stage that a tree was begun with is not what was kept. */
export class DamagedStage extends Error {}

/**
 * Reads a kept stage again (about a second for each gigabyte).
 * @throws DamagedStage when it is not what was kept, or gone
 */
export async function checkStage({ path, sha256 }: KeptStage, signal: AbortSignal): Promise<void> {
  const found = await fileDigest(path, signal).catch(() => signal.throwIfAborted());
  if (found !== sha256) throw new DamagedStage(path);
}

/** Says that the kept tree of the stage called `label` is damaged (BUILD106), and drops it. */
export async function dropStage(
  { path }: KeptStage,
  label: string,
  ctx: Pick<Context, 'report'>,
): Promise<void> {
  const diagnostic = warning(
    'BUILD106',
    `the kept tree of ${label} is damaged and will be built again`,
    {
      notes: [{ message: `${path} does not have the digest of its name` }],
      hint: 'if it happens again, check the disk, and who may write to the cache',
    },
  );
  ctx.report({ type: 'diagnostic', diagnostic });
  await explainIo('drop a damaged stage', path, () => rm(path, { force: true }));
}
