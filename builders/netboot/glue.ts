/** Texts that start the shim: xl configurations, and scripts for firmware that has a network. */
import type { GlueFile, GoldenImage } from '../backend.ts';
import { mebibytes } from '../backends/machine.ts';
import { grub, ipxe, kernelCommandLine, xl } from '../backends/quote.ts';
import { render } from '../templates.ts';
import { partsOf, shimArguments, shimCommandLine } from './arguments.ts';
import type { ShimSettings } from './arguments.ts';

/** Where the bundle's files are expected on a Xen host. */
const POOL = '/var/lib/xen/images';
const BRIDGE = 'xenbr0';
/** All that a guest needs who only fills a disk; MiB. */
export const SHIM_MEMORY = 128;

/** `netboot.cfg`, which fills the disk of a para-virtual guest, and `node.cfg`, which starts it. */
export const netbootGlue = (image: GoldenImage): readonly GlueFile[] => [
  { path: 'netboot.cfg', content: netbootConfig(image), mode: 0o644 },
  { path: 'node.cfg', content: nodeConfig(image), mode: 0o644 },
];

/** What may differ from the glue in the bundle: the head node, and where files are on the host. */
export interface NetbootPlaces extends Partial<ShimSettings> {
  readonly folder?: string;
  /** Path of the node's disk. */
  readonly disk?: string;
}

/** An xl configuration (xl.cfg(5)) of the guest that fills the disk and halts. */
export function netbootConfig(image: GoldenImage, places: NetbootPlaces = {}): string {
  const { folder = POOL } = places;
  return render('netboot/guest.cfg.hbs', xl, {
    ...common(image, places),
    name: `${image.name}-netboot`,
    memory: SHIM_MEMORY,
    vcpus: 1,
    kernel: `${folder}/${image.kernel}`,
    ramdisk: `${folder}/${partsOf(image).initrd}`,
    cmdline: shimCommandLine(image, 'install', { console: 'hvc0', ...places }),
    onReboot: 'destroy',
  });
}

/** An xl configuration of the node itself, which boots from the disk that was filled. */
export function nodeConfig(image: GoldenImage, places: NetbootPlaces = {}): string {
  const { folder = POOL } = places;
  const arguments_ = image.cmdline.filter((argument) => argument !== 'console=hvc0');
  return render('netboot/guest.cfg.hbs', xl, {
    ...common(image, places),
    name: image.name,
    memory: mebibytes(image.machine.memory),
    vcpus: image.machine.vcpus,
    kernel: `${folder}/${image.kernel}`,
    ramdisk: `${folder}/${image.initrd}`,
    cmdline: kernelCommandLine([...arguments_, 'console=hvc0']),
    onReboot: places.disk === undefined ? 'restart' : 'destroy',
  });
}

function common(image: GoldenImage, places: NetbootPlaces) {
  const target = places.disk ?? `${POOL}/${image.name}-disk.raw`;
  const nics = image.machine.nics.length > 0 ? image.machine.nics : [{}];
  return {
    disks: [`format=raw,vdev=xvda,access=rw,target=${target}`],
    vifs: nics.map(({ mac, bridge }) =>
      [...(mac === undefined ? [] : [`mac=${mac}`]), `bridge=${bridge ?? BRIDGE}`].join(','),
    ),
  };
}

/** Scripts that start a disk-less node: iPXE's, GRUB's, and Xen's, which has no firmware. */
export function disklessGlue(image: GoldenImage): readonly GlueFile[] {
  const { initrd } = partsOf(image);
  const files = { kernel: image.kernel as string, initrd };
  const words = (console: string): readonly string[] =>
    shimArguments(image, 'diskless', { console }).map((word) => kernelCommandLine([word]));
  return [
    {
      path: 'boot.ipxe',
      content: render('netboot/boot.ipxe.hbs', ipxe, {
        ...files,
        cmdline: ['console=tty0', ...words('ttyS0,115200')].join(' '),
      }),
      mode: 0o644,
    },
    {
      path: 'grub.cfg',
      content: render('netboot/grub.cfg.hbs', grub, {
        ...files,
        title: `${image.name} ${image.version}, disk-less`,
        arguments: ['console=tty0', ...words('ttyS0,115200')],
      }),
      mode: 0o644,
    },
    {
      path: 'diskless.cfg',
      content: render('netboot/guest.cfg.hbs', xl, {
        ...common(image, {}),
        disks: [],
        name: image.name,
        memory: mebibytes(image.machine.memory),
        vcpus: image.machine.vcpus,
        kernel: `${POOL}/${image.kernel}`,
        ramdisk: `${POOL}/${initrd}`,
        cmdline: words('hvc0').join(' '),
        onReboot: 'restart',
      }),
      mode: 0o644,
    },
  ];
}
