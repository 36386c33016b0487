/** Xen, HVM: a whole PC with a BIOS or UEFI, emulated by a QEMU in dom0. */
import type { Backend } from '../backend.ts';
import { checkXenGuest, XEN_FORMATS } from './xen-check.ts';
import { bootConfig, xenGlue } from './xen-guest.ts';
import type { XenStart } from './xen-guest.ts';

const BIOS: XenStart = { suffix: '', type: 'hvm', firmware: 'seabios' };
const UEFI: XenStart = { suffix: '-uefi', type: 'hvm', firmware: 'ovmf' };

export const xenHvm: Backend = {
  name: 'xen-hvm',
  summary: "Xen, HVM: the image's own boot loader through BIOS or UEFI",
  formats: XEN_FORMATS,
  firmwares: ['bios', 'uefi'],
  xenRole: 'HVM',
  check: (image) => checkXenGuest(xenHvm, 'hvm', image),
  emit: (image) => xenGlue(image, [BIOS, UEFI]),
  xenGuest: (image, request) =>
    bootConfig(image, request.firmware === 'uefi' ? UEFI : BIOS, request),
};
