/** Disk-less nodes: kernel, shim and a squashfs root come by the network and stay in memory. */
import type { Backend } from '../backend.ts';
import { checkNetboot } from '../netboot/check.ts';
import { disklessConfig } from '../netboot/glue.ts';
import { grubScript, ipxeScript } from '../netboot/scripts.ts';

export const diskless: Backend = {
  name: 'diskless',
  summary: 'Nodes without a disk: the shim, scripts for iPXE and GRUB, an xl configuration',
  formats: ['squashfs'],
  shim: true,
  byNetwork: 'diskless',
  firmwares: ['kernel', 'ipxe', 'grub', 'xen'],
  check: (image) => checkNetboot(diskless, image),
  emit: (image) => [
    { path: 'boot.ipxe', content: ipxeScript(image), mode: 0o644 },
    { path: 'grub.cfg', content: grubScript(image), mode: 0o644 },
    { path: 'diskless.cfg', content: disklessConfig(image), mode: 0o644 },
  ],
};
