/** Kernel modules of the netboot shim: the drivers it needs, with all that they need, in order. */
import { basename } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';

/** What a node's disk and network may be, and the file systems of both ways to start it. */
const DRIVERS: readonly string[] = [
  ...['virtio_pci', 'virtio_mmio', 'virtio_rng', 'virtio_net', 'virtio_blk', 'virtio_scsi'],
  ...['xen-netfront', 'xen-blkfront', 'vmxnet3', 'vmw_pvscsi', 'e1000', 'e1000e'],
  ...['ata_piix', 'ahci', 'nvme', 'sd_mod'],
  // ext4 and disks ask the kernel for these by purpose, not by name.
  ...['crc32c_generic', 'crct10dif_generic'],
  ...['ext4', 'loop', 'squashfs', 'overlay'],
];

/** Those without which no shim is worth making. */
const ESSENTIAL: readonly string[] = ['ext4'];

const moduleName = (path: string): string =>
  basename(path)
    .replace(/\.ko(\.(xz|zst|gz))?$/, '')
    .replaceAll('-', '_');

/**
 * The modules to load, in an order in which each finds what it needs; paths as in `modulesDep`,
 * the text of depmod's modules.dep(5). Drivers that are missing there are built into the kernel, or
 * this kernel has none; `builtin` is the text of modules.builtin.
 */
export function shimModules(modulesDep: string, builtin: string): readonly string[] {
  const needs = new Map<string, readonly string[]>();
  const pathOf = new Map<string, string>();
  for (const line of modulesDep.split('\n')) {
    const [path = '', rest = ''] = line.split(':');
    if (path === '') continue;
    pathOf.set(moduleName(path), path);
    needs.set(path, rest.split(' ').filter(Boolean));
  }
  const inKernel = new Set(builtin.split('\n').map(moduleName));
  const lacking = ESSENTIAL.filter((name) => !pathOf.has(name) && !inKernel.has(name));
  if (lacking.length > 0)
    throw failure('BUILD471', `the kernel has no driver ${lacking.join(', ')}`, {
      hint: 'the netboot shim needs it: use a kernel package such as linux-image-amd64',
    });
  const ordered = new Set<string>();
  const visit = (path: string): void => {
    if (ordered.has(path)) return;
    // depmod lists what is needed last to be loaded first; a cycle would be a bug of its own.
    for (const needed of needs.get(path) ?? []) if (needed !== path) visit(needed);
    ordered.add(path);
  };
  for (const name of DRIVERS) {
    const path = pathOf.get(name.replaceAll('-', '_'));
    if (path !== undefined) visit(path);
  }
  return [...ordered];
}
