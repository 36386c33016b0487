/** Xen, para-virtual: no firmware and no emulated device; Xen is handed a kernel. */
import type { Backend, Firmware } from '../backend.ts';
import { checkXenGuest, XEN_FORMATS } from './xen-check.ts';
import { bootConfig, xenGlue } from './xen-guest.ts';
import type { XenStart } from './xen-guest.ts';

const KERNEL: XenStart = { suffix: '', type: 'pv', direct: true };
const PYGRUB: XenStart = { suffix: '-pygrub', type: 'pv', bootloader: 'pygrub' };
/** GRUB as a guest's kernel, as Debian's grub-xen-host installs it. */
const PVGRUB: XenStart = {
  suffix: '-pvgrub',
  type: 'pv',
  loader: '/usr/lib/grub-xen/grub-x86_64-xen.bin',
};

const WAYS: Partial<Record<Firmware, XenStart>> = { pygrub: PYGRUB, pvgrub: PVGRUB };

export const xenPv: Backend = {
  name: 'xen-pv',
  summary: "Xen, para-virtual: the bundle's kernel, or the image's own by pygrub or pvgrub",
  formats: XEN_FORMATS,
  // Without firmware there is no PXE either: the shim plays its part.
  brings: ['netboot'],
  firmwares: ['kernel', 'pygrub', 'pvgrub'],
  xenRole: 'PV',
  check: (image) => checkXenGuest(xenPv, 'pv', image),
  emit: (image) => xenGlue(image, [KERNEL, PYGRUB, PVGRUB]),
  xenGuest: (image, request) => bootConfig(image, WAYS[request.firmware] ?? KERNEL, request),
};
