/** Writing an environment, locking and building it as a person does. */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../../builders/manifest.ts';
import type { Lock } from '../../../repos/lock.ts';
import { vsec } from '../../support/vsec.ts';

export interface Built {
  /** Absolute path of the bundle. */
  readonly bundle: string;
  readonly manifest: Manifest;
}

/** Writes the layer `text` into `folder`, resolves it and returns lock and path. */
export async function lockLayer(
  folder: string,
  name: string,
  text: string,
): Promise<{ readonly path: string; readonly lock: Lock }> {
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, text);
  const { code, stderr } = await vsec(['lock', path, '--progress', 'plain']);
  if (code !== 0) throw new Error(`vsec lock failed:\n${stderr}`);
  const lock = JSON.parse(await readFile(join(folder, `${name}.lock.json`), 'utf8')) as Lock;
  return { path, lock };
}

/** Builds what `lockLayer` locked. */
export async function buildLayer(
  path: string,
  output: string,
  args: readonly string[],
): Promise<Built> {
  const { code, stdout, stderr } = await vsec([
    ...['build', path, '--locked', '--json', '--progress', 'plain', '-O', output],
    ...args,
  ]);
  if (code !== 0) throw new Error(`vsec build failed:\n${stderr}`);
  return JSON.parse(stdout) as Built;
}
