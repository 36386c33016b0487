/** A kernel of the environment's own, with its modules and initrd, put where a package's would be. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import type { Inside } from '../sandbox/inside.ts';
import { mustRunInside } from './bootable.ts';
import type { Kernel } from './bootable.ts';
import { Tree } from './tree.ts';

/** Absolute paths of the host. */
export interface OwnKernel {
  readonly image: string;
  /** A folder like /lib/modules/VERSION. */
  readonly modules?: string;
  /** One is generated when absent. */
  readonly initrd?: string;
}

/** Of the real-mode kernel header (Documentation/arch/x86/boot.rst): its magic, and a pointer. */
const MAGIC = 0x202;
const VERSION_POINTER = 0x20e;
const POINTER_BASE = 0x200;
/** What may be part of the name of a file in /boot and of a folder in /lib/modules. */
const RELEASE = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}$/;
/** Links of a modules folder into the tree that the kernel was compiled in. */
const COMPILED_IN = new Set(['build', 'source']);

/** The release that a bzImage says it is, as `uname -r` will; BUILD176 when it does not. */
export function releaseOf(image: Buffer, path: string): string {
  const known = image.length > 0x1000 && image.toString('latin1', MAGIC, MAGIC + 4) === 'HdrS';
  const at = known ? image.readUInt16LE(VERSION_POINTER) + POINTER_BASE : 0;
  const text = image.toString('latin1', at, at + 256);
  const release = /^[^\0 ]*/.exec(text)?.[0] ?? '';
  if (known && RELEASE.test(release)) return release;
  throw failure('BUILD176', `${path} is not a kernel that can be booted: no bzImage`, {
    notes: [{ message: 'option kernel.image' }],
    hint: 'name the compressed image, arch/x86/boot/bzImage of a kernel tree or a vmlinuz',
  });
}

/** Puts image, modules and initrd into the tree, and makes them the ones that are booted. */
export async function installKernel(inside: Inside, own: OwnKernel): Promise<Kernel> {
  const tree = new Tree(inside.root);
  const bytes = readOwn(own.image, 'image');
  const release = releaseOf(bytes, own.image);
  const image = `boot/vmlinuz-${release}`;
  const initrd = `boot/initrd.img-${release}`;
  tree.write(image, bytes, 0o644);
  tree.symlink('vmlinuz', image);
  tree.symlink('initrd.img', initrd);
  const folder = `usr/lib/modules/${release}`;
  tree.directory(folder);
  if (own.modules !== undefined) {
    if (copyModules(own.modules, tree, folder) === 0)
      throw failure('BUILD177', `there is no module in ${own.modules}`, {
        notes: [{ message: 'option kernel.modules' }],
        hint: `name the folder of this kernel alone, as /lib/modules/${release} is`,
      });
    if (tree.has('usr/sbin/depmod') || tree.has('sbin/depmod'))
      await mustRunInside(inside, `listing the modules of ${release}`, ['/sbin/depmod', release]);
  }
  if (own.initrd !== undefined) tree.write(initrd, readOwn(own.initrd, 'initrd'), 0o644);
  return { release, image, initrd };
}

/**
 * Calls `make` with a configuration of the kernel in /boot, where initramfs-tools looks which
 * compressions it knows. Where none came with it, gzip is what every usual kernel has; that is gone
 * again afterwards, for it says nothing else of this one.
 */
export async function withConfiguration(
  root: string,
  { release }: Kernel,
  make: () => Promise<void>,
): Promise<void> {
  const tree = new Tree(root);
  const path = `boot/config-${release}`;
  if (tree.has(path)) return make();
  tree.write(path, 'CONFIG_RD_GZIP=y\n');
  try {
    await make();
  } finally {
    tree.remove(path);
  }
}

function readOwn(path: string, option: string): Buffer {
  try {
    return readFileSync(path);
  } catch (problem) {
    throw failure('BUILD173', `cannot read ${path}: ${(problem as Error).message}`, {
      notes: [{ message: `option kernel.${option}` }],
      hint: 'it was there when the environment was read; put it back, or build again',
    });
  }
}

/** Returns how many modules there are. Only what was compiled for this very release will load. */
function copyModules(from: string, tree: Tree, to: string): number {
  let modules = 0;
  tree.directory(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = `${to}/${entry.name}`;
    if (entry.isDirectory()) modules += copyModules(source, tree, target);
    else if (entry.isFile()) {
      tree.write(target, readOwn(source, 'modules'), 0o644);
      if (/\.ko(\.(gz|xz|zst))?$/.test(entry.name)) modules++;
    } else if (!COMPILED_IN.has(entry.name))
      throw failure('BUILD177', `${source} is neither a file nor a folder`, {
        notes: [{ message: 'option kernel.modules' }],
        hint: 'only files and folders are copied',
      });
  }
  return modules;
}
