/** Disk-less nodes: kernel, shim and a squashfs root come by the network and stay in memory. */
import type { Backend } from '../backend.ts';
import { checkNetboot } from '../netboot/check.ts';
import { disklessGlue } from '../netboot/glue.ts';

export const diskless: Backend = {
  name: 'diskless',
  summary: 'Nodes without a disk: the shim, scripts for iPXE and GRUB, an xl configuration',
  formats: ['squashfs'],
  shim: true,
  byNetwork: 'diskless',
  firmwares: ['kernel'],
  check: (image) => checkNetboot(diskless, image),
  emit: disklessGlue,
};
