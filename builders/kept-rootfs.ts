/** Finished trees, as the cache keeps them. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { rm } from 'node:fs/promises';
import { explainIo } from '../repos/io-errors.ts';
import { warning } from '../vse/diagnostic.ts';
import type { Context } from '../vse/report.ts';
import type { AssembleResult } from './job.ts';
import { brokenSeal, seal } from './seal.ts';

/** A finished file tree. It knows nothing of hypervisors. */
export interface Rootfs {
  /** Absolute; holds all of it. */
  readonly folder: string;
  /** `sha256:…` over the canonical tar: paths, modes, owners, links, capabilities, times, contents. */
  readonly digest: string;
  /** Absolute paths. */
  readonly tar: string;
  readonly kernel?: {
    readonly release: string;
    readonly image: string;
    readonly initrd: string;
    readonly config?: string;
  };
  readonly hypervisor?: { readonly release: string; readonly image: string; readonly efi?: string };
}

const DESCRIPTION = 'rootfs.json';

interface Description {
  readonly digest: string;
  /** Bytes of the tar. */
  readonly size: number;
  /** Of the kernel. */
  readonly release?: string;
  /** Of the hypervisor. */
  readonly hypervisor?: string;
}

/** The finished tree in `folder`; `undefined` when there is none, or not all of it. */
export function keptRootfs(folder: string): Rootfs | undefined {
  const at = (name: string): string => join(folder, name);
  const ifThere = (name: string): string | undefined =>
    existsSync(at(name)) ? at(name) : undefined;
  const tar = at('rootfs.tar');
  let found: Description;
  try {
    found = JSON.parse(readFileSync(join(folder, DESCRIPTION), 'utf8')) as Description;
  } catch {
    return undefined;
  }
  const { digest, size, release, hypervisor } = found;
  if (statSync(tar, { throwIfNoEntry: false })?.size !== size) return undefined;
  const [image, initrd, config] = ['vmlinuz', 'initrd', 'kernel-config'].map(ifThere);
  const [xen, efi] = ['xen.gz', 'xen.efi'].map(ifThere);
  if (release !== undefined && !(image && initrd)) return undefined;
  if (hypervisor !== undefined && !xen) return undefined;
  return {
    ...{ folder, digest, tar },
    ...(release &&
      image &&
      initrd && { kernel: { release, image, initrd, ...(config && { config }) } }),
    ...(hypervisor &&
      xen && { hypervisor: { release: hypervisor, image: xen, ...(efi && { efi }) } }),
  };
}

/** Writes beside the tree in `folder` what there is to know of it. */
export async function describeRootfs(folder: string, result: AssembleResult): Promise<void> {
  const { sha256, kernelRelease: release, hypervisorRelease: hypervisor } = result;
  const description: Description = {
    digest: `sha256:${sha256}`,
    size: statSync(join(folder, 'rootfs.tar')).size,
    ...(release !== undefined && { release }),
    ...(hypervisor !== undefined && { hypervisor }),
  };
  writeFileSync(join(folder, DESCRIPTION), `${JSON.stringify(description)}\n`);
  await seal(folder, { 'rootfs.tar': sha256 });
}

/** Puts a finished tree at its name; when somebody was faster, theirs stays. */
export function settle(partial: string, folder: string): Rootfs {
  mkdirSync(dirname(folder), { recursive: true });
  if (!keptRootfs(folder)) rmSync(folder, { recursive: true, force: true });
  try {
    renameSync(partial, folder);
  } catch (e) {
    if (!keptRootfs(folder)) throw e;
  }
  return keptRootfs(folder) as Rootfs;
}

/** Reads the tree in `folder` again; where it is damaged, says so (BUILD107) and drops it. */
export async function dropDamagedRootfs(
  folder: string,
  ctx: Pick<Context, 'report' | 'signal'>,
): Promise<void> {
  if (!existsSync(folder)) return;
  const damage = await brokenSeal(folder, ctx.signal);
  if (damage === undefined) return;
  const diagnostic = warning('BUILD107', 'a kept tree is damaged and will be built again', {
    notes: [{ message: `${folder}: ${damage}` }],
    hint: 'if it happens again, check the disk, and who may write to the cache',
  });
  ctx.report({ type: 'diagnostic', diagnostic });
  await explainIo('drop a damaged tree', folder, () => rm(folder, { recursive: true }));
}
