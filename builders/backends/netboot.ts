/** Netboot: a shim fills a para-virtual guest's disk by the network, then the node starts from it. */
import type { Backend } from '../backend.ts';
import { checkNetboot } from '../netboot/check.ts';
import { netbootGlue } from '../netboot/glue.ts';

export const netboot: Backend = {
  name: 'netboot',
  summary: 'Nodes whose disk is filled by the network: the shim, and xl configurations',
  formats: ['tar.zst'],
  shim: true,
  byNetwork: 'install',
  firmwares: ['kernel', 'xen'],
  check: (image) => checkNetboot(netboot, image),
  emit: netbootGlue,
};
