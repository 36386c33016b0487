/** Xen, PVH: hardware virtualization for processor and memory, and Xen's own devices. */
import type { Backend } from '../backend.ts';
import { checkXenGuest, XEN_FORMATS } from './xen-check.ts';
import { bootConfig, xenGlue } from './xen-guest.ts';
import type { XenStart } from './xen-guest.ts';

const KERNEL: XenStart = { suffix: '', type: 'pvh', direct: true };
/** GRUB as a guest's kernel, as Debian's grub-xen-host installs it. */
const PVGRUB: XenStart = {
  suffix: '-pvgrub',
  type: 'pvh',
  loader: '/usr/lib/grub-xen/grub-i386-xen_pvh.bin',
};

export const xenPvh: Backend = {
  name: 'xen-pvh',
  summary: "Xen, PVH: the bundle's kernel, or the image's own by pvgrub",
  formats: XEN_FORMATS,
  firmwares: ['kernel', 'pvgrub'],
  xenRole: 'PVH',
  check: (image) => checkXenGuest(xenPvh, 'pvh', image),
  emit: (image) => xenGlue(image, [KERNEL, PVGRUB]),
  xenGuest: (image, request) =>
    bootConfig(image, request.firmware === 'pvgrub' ? PVGRUB : KERNEL, request),
};
