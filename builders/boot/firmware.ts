/** In which way a guest is started. */
import { failure } from '../../vse/diagnostic.ts';
import type { Backend, Firmware } from '../backend.ts';

export const FIRMWARES: readonly Firmware[] = [
  'bios',
  'uefi',
  'kernel',
  'microvm',
  'pygrub',
  'pvgrub',
  'xen',
  'xen-efi',
  'ipxe',
  'grub',
];

/** The ways that a backend's guests can be started in, the usual one first. */
export const firmwaresOf = (backend: Backend): readonly [Firmware, ...Firmware[]] => {
  const [usual = 'bios', ...others] = backend.firmwares ?? ['bios', 'uefi', 'kernel'];
  return [usual, ...others];
};

/** The usual way unless one is `wanted`; BOOT011 when the hypervisor does not have that one. */
export function chooseFirmware(backend: Backend, wanted: Firmware | undefined): Firmware {
  const known = firmwaresOf(backend);
  if (wanted === undefined) return known[0];
  if (known.includes(wanted)) return wanted;
  throw failure('BOOT011', `guests of ${backend.name} cannot be started with ${wanted}`, {
    hint: `--firmware ${known.join(' or ')}`,
  });
}
