/** QEMU: with KVM where it works, in software everywhere else. */
import type { Backend } from '../backend.ts';
import { checkImage } from './machine.ts';
import { FORMATS, qemuGlue } from './qemu-glue.ts';
import { qemuPlan } from './qemu-guest.ts';

export const qemu: Backend = {
  name: 'qemu',
  summary: 'QEMU on any host: a run script and libvirt domains',
  formats: FORMATS,
  firmwares: ['bios', 'uefi', 'kernel', 'microvm'],
  check: (image) => checkImage('qemu', image, FORMATS, qemu.emit),
  emit: (image) => qemuGlue(image, 'tcg'),
  boot: qemuPlan,
};
