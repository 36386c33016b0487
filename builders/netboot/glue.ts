/** Texts that start the shim: xl configurations. */
import type { GlueFile, GoldenImage } from '../backend.ts';
import { mebibytes } from '../backends/machine.ts';
import { kernelCommandLine, xl } from '../backends/quote.ts';
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
  /** For the node's kernel, besides the image's own. */
  readonly arguments?: readonly string[];
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
  const { folder = POOL, arguments: more = [] } = places;
  const own = image.cmdline.filter((argument) => argument !== 'console=hvc0');
  return render('netboot/guest.cfg.hbs', xl, {
    ...common(image, places),
    unsigned: false,
    name: image.name,
    memory: mebibytes(image.machine.memory),
    vcpus: image.machine.vcpus,
    kernel: `${folder}/${image.kernel}`,
    ramdisk: `${folder}/${image.initrd}`,
    cmdline: kernelCommandLine([...own, ...more, 'console=hvc0']),
    onReboot: places.disk === undefined ? 'restart' : 'destroy',
  });
}

function common(image: GoldenImage, places: NetbootPlaces) {
  const target = places.disk ?? `${POOL}/${image.name}-disk.raw`;
  const nics = image.machine.nics.length > 0 ? image.machine.nics : [{}];
  return {
    unsigned: places.key === undefined,
    disks: [`format=raw,vdev=xvda,access=rw,target=${target}`],
    vifs: nics.map(({ mac, bridge }) =>
      [...(mac === undefined ? [] : [`mac=${mac}`]), `bridge=${bridge ?? BRIDGE}`].join(','),
    ),
  };
}

/** What the shim's kernel is told to become a node without a disk, each word quoted for it. */
export const disklessWords = (
  image: GoldenImage,
  console: string,
  { arguments: more = [], ...places }: NetbootPlaces,
): readonly string[] =>
  [...shimArguments(image, 'diskless', { console, ...places }), ...more].map((word) =>
    kernelCommandLine([word]),
  );

/** An xl configuration of a node without a disk: what Xen starts itself, for it has no firmware. */
export function disklessConfig(image: GoldenImage, places: NetbootPlaces = {}): string {
  const { folder = POOL } = places;
  return render('netboot/guest.cfg.hbs', xl, {
    ...common(image, places),
    disks: [],
    name: image.name,
    memory: mebibytes(image.machine.memory),
    vcpus: image.machine.vcpus,
    kernel: `${folder}/${image.kernel}`,
    ramdisk: `${folder}/${partsOf(image).initrd}`,
    cmdline: disklessWords(image, 'hvc0', places).join(' '),
    onReboot: places.folder === undefined ? 'restart' : 'destroy',
  });
}
