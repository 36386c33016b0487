/** KVM: QEMU on a host whose processor can virtualize, and on no other. */
import type { Backend } from '../backend.ts';
import { checkImage } from './machine.ts';
import { FORMATS, qemuGlue } from './qemu-glue.ts';
import { qemuPlan } from './qemu-guest.ts';

export const kvm: Backend = {
  name: 'kvm',
  summary: 'KVM on a host with hardware virtualization: a run script and libvirt domains',
  formats: FORMATS,
  firmwares: ['bios', 'uefi', 'kernel', 'microvm'],
  accelerators: ['kvm'],
  check: (image) => checkImage('kvm', image, FORMATS, kvm.emit),
  emit: (image) => qemuGlue(image, 'kvm'),
  boot: qemuPlan,
};
