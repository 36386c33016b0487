/** What Xen asks of a guest's image before anything boots. */
import type { Diagnostic } from '../../vse/diagnostic.ts';
import { error, warning } from '../../vse/diagnostic.ts';
import type { Backend, GoldenImage } from '../backend.ts';
import type { XenEntry } from '../kernel/xen-notes.ts';
import { checkImage } from './machine.ts';

const MIB = 2 ** 20;
/** HVM_MAX_VCPUS of Xen. */
const MOST_HVM_VCPUS = 128;
/** An initrd is unpacked beside itself, and then there is nothing to work with yet. */
const MEMORY_FOR_INITRD = 512 * MIB;
/** What Xen's domain builder undoes (tools/libs/guest/xg_dom_bzimageloader.c); zstd from 4.16 on. */
const COMPRESSIONS = new Set(['none', 'gzip', 'bzip2', 'lzma', 'xz', 'lzo', 'lz4', 'zstd']);

/** The drivers without which a guest has no disk, or no network. */
const DRIVERS = [
  { option: 'CONFIG_XEN_BLKDEV_FRONTEND', module: 'xen_blkfront', what: 'disk' },
  { option: 'CONFIG_XEN_NETDEV_FRONTEND', module: 'xen_netfront', what: 'network' },
] as const;

/** Disk formats that Xen can take, best first: raw needs no QEMU in dom0. */
export const XEN_FORMATS: readonly string[] = ['raw', 'qcow2'];

/** Everything, for a guest of this kind; what is asked of any image comes first, and alone. */
export function checkXenGuest(
  backend: Backend,
  kind: XenEntry | 'hvm',
  image: GoldenImage,
): readonly Diagnostic[] {
  const found = checkImage(backend.name, image, XEN_FORMATS, backend.emit);
  if (found.length > 0) return found;
  return [
    ...checkMachine(image, kind),
    ...(kind === 'hvm' ? [] : checkXenEntry(image, kind)),
    ...checkDrivers(image),
  ];
}

function checkMachine(image: GoldenImage, kind: XenEntry | 'hvm'): readonly Diagnostic[] {
  const { name, machine } = image;
  const found: Diagnostic[] = [];
  if (/^\d+$/.test(name))
    found.push(
      error('BUILD440', `a guest of Xen cannot be named ${name}`, {
        notes: [{ message: 'xl takes a name of digits alone for the number of a domain' }],
        hint: 'give the environment a name with a letter in it',
      }),
    );
  if (kind === 'hvm' && machine.vcpus > MOST_HVM_VCPUS)
    found.push(
      error('BUILD441', `machine.vcpus is ${machine.vcpus}`, {
        notes: [{ message: `an HVM guest of Xen has ${MOST_HVM_VCPUS} at most` }],
        hint: 'give the machine fewer processors, or use xen-pvh',
      }),
    );
  if (kind !== 'hvm' && machine.memory < MEMORY_FOR_INITRD)
    found.push(
      warning('BUILD442', `machine.memory is ${machine.memory / MIB}MiB`, {
        notes: [{ message: 'guests that are given an initrd were seen to die with 384MiB' }],
        hint: 'give the machine 512MiB or more',
      }),
    );
  return found;
}

/** Whether Xen can start the bundle's kernel as `entry`, and unpack it at all. */
export function checkXenEntry(image: GoldenImage, entry: XenEntry): readonly Diagnostic[] {
  const { facts } = image;
  if (!facts) return [];
  const name = entry.toUpperCase();
  const found: Diagnostic[] = [];
  if (!COMPRESSIONS.has(facts.compression))
    found.push(
      error('BUILD443', `the kernel is compressed with ${facts.compression}`, {
        notes: [{ message: 'Xen, pygrub and pvgrub could not unpack it' }],
        hint: 'use a kernel package that compresses with gzip, xz or zstd',
      }),
    );
  const option = `CONFIG_XEN_${name}`;
  const noted = facts.xen === undefined || facts.xen.includes(entry);
  const configured = facts.config === undefined || facts.config[option] === 'y';
  if (!noted || !configured)
    found.push(
      error('BUILD444', `the kernel cannot be started as a ${name} guest of Xen`, {
        notes: [
          ...(noted ? [] : [{ message: `it has no ELF note with an entry point for ${name}` }]),
          ...(configured ? [] : [{ message: `it is built without ${option}` }]),
        ],
        hint: 'use a kernel that has it (linux-image-amd64 does), or another backend',
      }),
    );
  return found;
}

/** Whether kernel or initrd have the drivers of Xen's devices. */
function checkDrivers(image: GoldenImage): readonly Diagnostic[] {
  const { facts } = image;
  return DRIVERS.flatMap(({ option, module, what }) => {
    const state = facts?.config?.[option];
    if (state === 'y' || !facts?.drivers || facts.drivers.includes(module)) return [];
    const problem = `the initrd has no driver for the ${what} of a guest of Xen`;
    const about = {
      notes: [{ message: `${module} is neither in it nor in the kernel (${option})` }],
      hint: `does the kernel package have the module? add ${module} to initrd.modules`,
    };
    return [
      what === 'disk' ? error('BUILD445', problem, about) : warning('BUILD445', problem, about),
    ];
  });
}
