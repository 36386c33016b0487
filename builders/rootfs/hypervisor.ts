/** The hypervisor that a host image carries: finding it in the tree, and what loads it. */
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { compareVersions } from '../../vse/deb-version.ts';
import { failure } from '../../vse/diagnostic.ts';
import type { HypervisorConfig } from '../../vse/types.ts';
import { Tree } from './tree.ts';

export interface Hypervisor {
  /** As in its file's name: `4.17-amd64`. */
  readonly release: string;
  /** Path below the root: what a boot loader starts. */
  readonly image: string;
  /** Path below the root: a program for UEFI itself; some packages have none. */
  readonly efi?: string;
  /** What a boot loader must speak: Multiboot 2 where the image has its header. */
  readonly protocol: 'multiboot2' | 'multiboot';
}

const IMAGE = /^xen-(\d.*)\.gz$/;
/** Little-endian, on an 8-byte boundary in the first 32 KiB (Multiboot 2, 3.1.1). */
const MULTIBOOT2 = 0xe85250d6;
const HEADER_WITHIN = 32 * 1024;

/** Finds the one hypervisor of the tree; BUILD175 when the package brought none. */
export function findHypervisor(root: string, config: HypervisorConfig): Hypervisor {
  const tree = new Tree(root);
  const names = tree.list('boot');
  const release = names
    .flatMap((name) => IMAGE.exec(name)?.[1] ?? [])
    .sort(compareVersions)
    .at(-1);
  if (release === undefined)
    throw failure('BUILD175', `package ${config.package} put no hypervisor into /boot`, {
      notes: [{ message: 'option hypervisor.package' }, { message: 'looked for /boot/xen-*.gz' }],
      hint: 'name a package such as xen-hypervisor-4.17-amd64',
    });
  const image = `boot/xen-${release}.gz`;
  const efi = `xen-${release}.efi`;
  return {
    release,
    image,
    ...(names.includes(efi) && { efi: `boot/${efi}` }),
    protocol: hasMultiboot2(gunzipSync(readFileSync(tree.host(image))))
      ? 'multiboot2'
      : 'multiboot',
  };
}

function hasMultiboot2(image: Buffer): boolean {
  for (let at = 0; at + 4 <= Math.min(image.length, HEADER_WITHIN); at += 8)
    if (image.readUInt32LE(at) === MULTIBOOT2) return true;
  return false;
}

/** Copies the hypervisor out of the tree: `xen.gz`, and `xen.efi` where there is one. */
export function exportHypervisor(root: string, { image, efi }: Hypervisor, to: string): void {
  const tree = new Tree(root);
  copyFileSync(tree.host(image), join(to, 'xen.gz'));
  if (efi !== undefined) copyFileSync(tree.host(efi), join(to, 'xen.efi'));
}
