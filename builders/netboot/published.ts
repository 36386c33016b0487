/** What a head node serves: files of bundles, found by name and never by path. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import { bundleStem, readManifest } from '../manifest.ts';
import type { Manifest } from '../manifest.ts';

export interface PublishedFile {
  /** Absolute. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

export interface PublishedBundle {
  /** `cfd_2.1.0_amd64`. */
  readonly stem: string;
  /** Absolute path of its folder. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** By name, without a folder. */
  readonly files: ReadonlyMap<string, PublishedFile>;
  /** MAC address of the first network card of its machine, when it names one. */
  readonly mac?: string;
}

/** What nodes, and firmware that starts them, have a use for. */
const SERVED = new Set(['kernel', 'initrd', 'netboot-initrd', 'tar.zst', 'squashfs']);
const SCRIPT = /^boot\/diskless\/[^/]+$/;

/** Opens the bundle in `folder`; BUILD420 to BUILD422 when it is none, BOOT072 when not whole. */
export async function publish(folder: string): Promise<PublishedBundle> {
  const manifest = await readManifest(folder);
  const wanted = manifest.artifacts.filter(
    ({ format, file }) => SERVED.has(format) || SCRIPT.test(file),
  );
  if (!wanted.some(({ format }) => format === 'netboot-initrd'))
    throw failure('BOOT072', `${folder} has no netboot shim`, {
      hint: 'build it with --backend netboot, diskless or xen-pv',
    });
  const lost = wanted.find(({ file }) => !existsSync(join(folder, file)));
  if (lost)
    throw failure('BOOT072', `${lost.file} is not in ${folder}`, {
      hint: 'the bundle is not whole: build it again',
    });
  const mac = manifest.boot.machine.nics[0]?.mac?.toLowerCase();
  return {
    stem: bundleStem(manifest),
    folder,
    manifest,
    ...(mac !== undefined && { mac }),
    files: new Map(
      wanted.map(({ file, size, sha256 }) => [
        file.slice(file.lastIndexOf('/') + 1),
        { path: join(folder, file), size, sha256 },
      ]),
    ),
  };
}
