/** VMware: a `.vmx` for ESXi, Workstation and Fusion, and a disk for transport. */
import type { Diagnostic } from '../../vse/diagnostic.ts';
import { error } from '../../vse/diagnostic.ts';
import type { Backend, GlueFile, GoldenImage } from '../backend.ts';
import { render } from '../templates.ts';
import { checkImage, disk, mebibytes } from './machine.ts';
import { planFor } from './qemu-guest.ts';
import type { Hardware } from './qemu-guest.ts';
import { vmx } from './quote.ts';

/** ESXi 6.5 and Workstation 14, and everything later. */
const HARDWARE_VERSION = 13;
/** What virtual hardware of this version has. */
const MOST_VCPUS = 128;
const MOST_NICS = 10;
/** Addresses that VMware lets people give themselves (vSphere, "Static MAC Addresses"). */
const STATIC_MAC = /^00:50:56:[0-3][0-9a-f]:/i;

/**
 * VMware's disk controller and network card, as QEMU has them too. An image that comes up on
 * these has the drivers; the rest of VMware's machine is not shown by that.
 */
const HARDWARE: Hardware = {
  machine: 'pc,graphics=off',
  disk: ['-device', 'pvscsi,id=scsi0', '-device', 'scsi-hd,bus=scsi0.0,drive=disk,bootindex=1'],
  nic: 'vmxnet3',
  roms: true,
  rng: 'virtio-rng-pci',
  smbios: true,
};

export const vmware: Backend = {
  name: 'vmware',
  summary: 'VMware ESXi, Workstation and Fusion: a .vmx and a stream-optimised disk',
  formats: ['vmdk'],
  // VMware starts it by UEFI, too; the stand-in's UEFI (OVMF since 2023) has no driver for pvscsi.
  firmwares: ['bios'],
  standIn: "QEMU with VMware's disk controller and network card (pvscsi, vmxnet3)",
  check: (image) => {
    const found = checkImage('vmware', image, vmware.formats, vmware.emit);
    return found.length > 0 ? found : checkForVmware(image);
  },
  emit,
  boot: (image, request) => planFor(image, request, HARDWARE),
};

function checkForVmware({ machine }: GoldenImage): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  if (machine.vcpus > MOST_VCPUS)
    found.push(
      error('BUILD430', `machine.vcpus is ${machine.vcpus}; VMware has up to ${MOST_VCPUS}`),
    );
  if (machine.nics.length > MOST_NICS)
    found.push(
      error('BUILD431', `machine.nics has ${machine.nics.length}; VMware has up to ${MOST_NICS}`),
    );
  machine.nics.forEach(({ mac }, index) => {
    if (mac !== undefined && !STATIC_MAC.test(mac))
      found.push(
        error('BUILD432', `machine.nics[${index}].mac: VMware refuses the address ${mac}`, {
          notes: [{ message: 'it takes 00:50:56:00:00:00 to 00:50:56:3f:ff:ff' }],
          hint: 'give one of these, which other hypervisors take too, or none',
        }),
      );
  });
  return found;
}

function emit(image: GoldenImage): readonly GlueFile[] {
  const { file } = disk(image, vmware.formats);
  const content = render('vmware/vm.vmx.hbs', vmx, {
    hardware: HARDWARE_VERSION,
    name: image.name,
    // VMware wants a multiple of 4.
    memory: Math.ceil(mebibytes(image.machine.memory) / 4) * 4,
    vcpus: image.machine.vcpus,
    disk: file,
    console: `${image.stem}.console.txt`,
    nics: image.machine.nics.map(({ mac, bridge }, index) => ({
      index,
      network: bridge ?? null,
      mac: mac ?? null,
    })),
  });
  return [{ path: `${image.stem}.vmx`, content, mode: 0o644 }];
}
