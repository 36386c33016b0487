/**
 * Guests of Xen as xl configurations (xl.cfg(5)) and libvirt domains: what the three kinds have in
 * common. A kind is started in one or several ways; each way is a pair of files.
 */
import type { GlueFile, GoldenImage, XenGuestRequest } from '../backend.ts';
import { render } from '../templates.ts';
import { disk, mebibytes } from './machine.ts';
import { kernelCommandLine, xl, xml } from './quote.ts';
import { XEN_FORMATS } from './xen-check.ts';

/** Where the bundle's files are expected on a Xen host. */
const POOL = '/var/lib/xen/images';
/** xl's own default, written out. */
const BRIDGE = 'xenbr0';

/** One way to start a guest; `suffix` tells its files apart. */
export interface XenStart {
  readonly suffix: string;
  readonly type: 'pv' | 'pvh' | 'hvm';
  /** The bundle's kernel and initrd, handed over by the host. */
  readonly direct?: true;
  /** A program of the host that reads kernel and initrd out of the image. */
  readonly bootloader?: string;
  /** A boot loader of the host that runs inside the guest, in the kernel's place. */
  readonly loader?: string;
  readonly firmware?: 'seabios' | 'ovmf';
}

interface Places {
  readonly folder: string;
  /** As in an xl disk specification. */
  readonly disk: { readonly format: string; readonly target: string };
  /** Ends instead of starting anew: for tests. */
  readonly once?: true;
  /** Where an emulated serial port goes to, as QEMU writes it; a terminal when absent. */
  readonly serial?: string;
  /** For the kernel, besides the image's own. */
  readonly arguments?: readonly string[];
}

/** Arguments for a kernel that Xen starts: the last console becomes `/dev/console`. */
function guestCommandLine(image: GoldenImage, more: readonly string[] = []): string {
  const others = image.cmdline.filter((argument) => argument !== 'console=hvc0');
  return kernelCommandLine([...others, ...more, 'console=hvc0']);
}

/** Both files of each way to start. */
export const xenGlue = (image: GoldenImage, starts: readonly XenStart[]): readonly GlueFile[] =>
  starts
    .filter((start) => !start.direct || image.kernel !== undefined)
    .flatMap((start) => [
      { path: `${image.stem}${start.suffix}.cfg`, content: pooled(image, start), mode: 0o644 },
      // libvirt's Xen driver wants a path of OVMF that differs from host to host.
      ...(start.firmware === 'ovmf'
        ? []
        : [
            {
              path: `${image.stem}${start.suffix}.xml`,
              content: domain(image, start),
              mode: 0o644,
            },
          ]),
    ]);

function pooled(image: GoldenImage, start: XenStart): string {
  const { file, format } = disk(image, XEN_FORMATS);
  return xlConfig(image, start, { folder: POOL, disk: { format, target: `${POOL}/${file}` } });
}

/** The configuration with which `vsec boot` starts a guest in a dom0 of its own. */
export const bootConfig = (image: GoldenImage, start: XenStart, request: XenGuestRequest): string =>
  xlConfig(image, start, {
    folder: request.folder,
    disk: { format: 'raw', target: request.disk },
    once: true,
    serial: `file:${request.serialLog}`,
    arguments: request.arguments,
  });

function xlConfig(image: GoldenImage, start: XenStart, places: Places): string {
  const { machine } = image;
  const { format, target } = places.disk;
  return render('xen/guest.cfg.hbs', xl, {
    name: image.name,
    type: start.type,
    memory: mebibytes(machine.memory),
    vcpus: machine.vcpus,
    ...kernelFiles(image, start, places.folder, places.arguments),
    bootloader: start.bootloader ?? null,
    // pygrub adds them to what the image's boot menu says.
    bootloaderArguments: places.arguments?.length
      ? `--args=${kernelCommandLine(places.arguments)}`
      : null,
    firmware: start.firmware ?? null,
    serial: places.serial ?? 'pty',
    // The target comes last: it is all that follows, commas included.
    disk: `format=${format},vdev=xvda,access=rw,target=${target}`,
    vifs: machine.nics.map(({ mac, bridge }) =>
      [
        ...(start.type === 'hvm' ? ['type=vif'] : []),
        ...(mac === undefined ? [] : [`mac=${mac}`]),
        `bridge=${bridge ?? BRIDGE}`,
      ].join(','),
    ),
    onReboot: places.once ? 'destroy' : 'restart',
  });
}

function kernelFiles(
  image: GoldenImage,
  start: XenStart,
  folder: string,
  more?: readonly string[],
) {
  const none = { kernel: null, ramdisk: null, cmdline: null };
  if (start.loader !== undefined) return { ...none, kernel: start.loader };
  if (!start.direct || image.kernel === undefined) return none;
  return {
    kernel: `${folder}/${image.kernel}`,
    ramdisk: image.initrd === undefined ? null : `${folder}/${image.initrd}`,
    cmdline: guestCommandLine(image, more),
  };
}

const MACHINES = {
  pv: { machine: 'xenpv', osType: 'linux' },
  pvh: { machine: 'xenpvh', osType: 'xenpvh' },
  hvm: { machine: 'xenfv', osType: 'hvm' },
} as const;

/** A domain of libvirt's Xen driver (libvirt.org/drvxen.html). */
function domain(image: GoldenImage, start: XenStart): string {
  const { file, format } = disk(image, XEN_FORMATS);
  const files = kernelFiles(image, start, POOL);
  return render('xen/domain.xml.hbs', xml, {
    ...MACHINES[start.type],
    hvm: start.type === 'hvm',
    name: image.name,
    memoryKib: mebibytes(image.machine.memory) * 1024,
    vcpus: image.machine.vcpus,
    bootloader: start.bootloader === undefined ? null : `/usr/bin/${start.bootloader}`,
    ...files,
    cmdline: files.cmdline ?? '',
    driver: format === 'raw' ? null : format,
    image: `${POOL}/${file}`,
    nics: image.machine.nics.map(({ mac, bridge }) => ({
      mac: mac ?? null,
      bridge: bridge ?? BRIDGE,
    })),
  });
}
