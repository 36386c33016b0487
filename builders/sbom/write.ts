/** Writing the software bills of materials of a bundle. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockSha256 } from '../../repos/lock-file.ts';
import type { Lock } from '../../repos/lock.ts';
import type { Vse } from '../../vse/types.ts';
import type { Rootfs } from '../kept-rootfs.ts';
import type { Toolbox } from '../toolbox.ts';
import { cyclonedxDocument } from './cyclonedx.ts';
import { takeInventory } from './inventory.ts';
import type { Component } from './inventory.ts';
import { spdxDocument } from './spdx.ts';
import type { Subject } from './subject.ts';

export const SPDX_FILE = 'sbom.spdx.json';
export const CYCLONEDX_FILE = 'sbom.cdx.json';

export interface SbomInput {
  readonly vse: Pick<Vse, 'name' | 'version' | 'description'>;
  readonly lock: Lock;
  readonly rootfs: Pick<Rootfs, 'digest' | 'tar'>;
  readonly toolbox: Toolbox;
}

/**
 * Writes both documents into `folder`. They follow from lock and tree alone: the same bundle has
 * the same bytes. Returns what the image holds.
 */
export async function writeSboms(folder: string, input: SbomInput): Promise<readonly Component[]> {
  const { vse, lock, rootfs, toolbox } = input;
  const components = await takeInventory(lock, rootfs.tar, toolbox, folder);
  const subject: Subject = {
    name: vse.name,
    version: vse.version,
    ...(vse.description !== undefined && { description: vse.description }),
    rootfsDigest: rootfs.digest,
    lockSha256: lockSha256(lock),
    epoch: lock.epoch,
  };
  for (const [file, document] of [
    [SPDX_FILE, spdxDocument(subject, components)],
    [CYCLONEDX_FILE, cyclonedxDocument(subject, components)],
  ] as const)
    writeFileSync(join(folder, file), `${JSON.stringify(document, null, 1)}\n`);
  return components;
}
