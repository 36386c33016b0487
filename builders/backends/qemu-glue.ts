/** Boot glue for QEMU and KVM: a script that runs the bundle, and libvirt domains. */
import type { GlueFile, GoldenImage } from '../backend.ts';
import type { Accelerator } from '../backend.ts';
import { render } from '../templates.ts';
import { disk, diskBytes, mebibytes } from './machine.ts';
import { directCommandLine, MICROVM, MICROVM_BIOS, PC, sizeArgs, TCG_CPU } from './qemu-guest.ts';
import { nicArgs } from './qemu-network.ts';
import { shell, xml } from './quote.ts';

/** Disk formats that the glue can use, best first. */
export const FORMATS: readonly string[] = ['qcow2', 'raw'];

/** libvirt takes absolute paths alone; this is where its own storage pool lies. */
const POOL = '/var/lib/libvirt/images';

/**
 * `run.sh`, and one domain for each way to boot: `<stem>.xml` by BIOS, `<stem>-uefi.xml`, and
 * `<stem>-kernel.xml` where the bundle has a kernel.
 */
export function qemuGlue(image: GoldenImage, accelerator: Accelerator): readonly GlueFile[] {
  const domain = (suffix: string, boot: DomainBoot): GlueFile => ({
    path: `${image.stem}${suffix}.xml`,
    content: libvirtDomain(image, accelerator, boot),
    mode: 0o644,
  });
  return [
    { path: 'run.sh', content: runScript(image, accelerator), mode: 0o755 },
    domain('', 'bios'),
    domain('-uefi', 'uefi'),
    ...(image.kernel === undefined ? [] : [domain('-kernel', 'kernel')]),
  ];
}

function runScript(image: GoldenImage, accelerator: Accelerator): string {
  const { format, file } = disk(image, FORMATS);
  return render('qemu/run.sh.hbs', shell, {
    name: image.name,
    image: file,
    format,
    kernel: image.kernel ?? '',
    initrd: image.initrd ?? '',
    cmdline: directCommandLine(image),
    diskBytes: diskBytes(image) > image.diskSize ? diskBytes(image) : 0,
    accelerator,
    tcgCpu: TCG_CPU,
    pc: PC.machine,
    microvm: MICROVM.machine,
    microvmBios: MICROVM_BIOS,
    size: pairs(sizeArgs(image)),
    nics: image.machine.nics.map((nic, index) => ({ ...nicArgs(nic, index), first: index === 0 })),
  });
}

/** Options with their values, to stand on one line each. */
function pairs(args: readonly string[]): readonly { option: string; value: string }[] {
  const found: { option: string; value: string }[] = [];
  for (let at = 0; at < args.length; at += 2)
    found.push({ option: args[at] ?? '', value: args[at + 1] ?? '' });
  return found;
}

type DomainBoot = 'bios' | 'uefi' | 'kernel';

/** A domain of libvirt's QEMU driver (libvirt.org/formatdomain.html). */
function libvirtDomain(image: GoldenImage, accelerator: Accelerator, boot: DomainBoot): string {
  const { format, file } = disk(image, FORMATS);
  const direct = boot === 'kernel';
  return render('libvirt/domain.xml.hbs', xml, {
    type: accelerator === 'kvm' ? 'kvm' : 'qemu',
    hostCpu: accelerator === 'kvm',
    name: image.name,
    memoryKib: mebibytes(image.machine.memory) * 1024,
    vcpus: image.machine.vcpus,
    uefi: boot === 'uefi',
    kernel: direct ? (image.kernel ?? null) : null,
    initrd: direct ? (image.initrd ?? null) : null,
    cmdline: direct ? directCommandLine(image) : '',
    folder: POOL,
    format,
    image: file,
    nics: image.machine.nics.map(({ mac, bridge }) => ({
      mac: mac ?? null,
      bridge: bridge ?? null,
    })),
  });
}
