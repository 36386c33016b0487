/** What every backend asks of an image and its virtual hardware before it writes any glue. */
import type { Diagnostic } from '../../vse/diagnostic.ts';
import { error, VsecError } from '../../vse/diagnostic.ts';
import type { NicConfig } from '../../vse/types.ts';
import type { GoldenImage } from '../backend.ts';
import { kernelCommandLine } from './quote.ts';

const MIB = 2 ** 20;
/** Less than this and Debian's initrd does not even unpack. */
const LEAST_MEMORY = 128 * MIB;
const MOST_MEMORY = 64 * 2 ** 40;
/** The number of processors that the q35 machine takes without an interrupt remapper. */
const MOST_VCPUS = 255;
/** IFNAMSIZ of Linux, less the terminating zero. */
const LONGEST_INTERFACE = 15;

/** Size in whole MiB, rounded up. */
export const mebibytes = (bytes: number): number => Math.ceil(bytes / MIB);

/**
 * Size in bytes that the guest's disk shall have: the machine's when it is larger than the
 * image's, which grows into it at first boot.
 */
export const diskBytes = (image: GoldenImage): number =>
  Math.max(image.machine.disk ?? 0, image.diskSize);

/** The first of `formats` that the bundle holds. Call after `checkImage` had no error. */
export function disk(
  image: GoldenImage,
  formats: readonly string[],
): { readonly format: string; readonly file: string } {
  for (const format of formats) {
    const file = image.disks[format];
    if (file !== undefined) return { format, file };
  }
  throw new Error(`no disk in any of ${formats.join(', ')}`);
}

/**
 * Checks files, architecture and machine, and whether `emit` finds a value that its formats cannot
 * express. `formats` are the disk formats that the backend can take, nothing where it takes none.
 */
export function checkImage(
  backend: string,
  image: GoldenImage,
  formats: readonly string[] | undefined,
  emit: (image: GoldenImage) => unknown,
): readonly Diagnostic[] {
  const found = [
    ...checkFiles(backend, image, formats),
    ...checkSizes(image),
    ...image.machine.nics.flatMap((nic, index) => checkNic(nic, index)),
    ...checkDistinct(image.machine.nics),
  ];
  if (found.length > 0) return found;
  try {
    // Also where the glue does not hold it: the image's own boot menu does.
    kernelCommandLine(image.cmdline);
    emit(image);
    return [];
  } catch (problem) {
    if (problem instanceof VsecError) return problem.diagnostics;
    throw problem;
  }
}

function checkFiles(
  backend: string,
  image: GoldenImage,
  formats: readonly string[] | undefined,
): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  if (image.architecture !== 'amd64')
    found.push(
      error('BUILD410', `${backend} glue is written for amd64, not for ${image.architecture}`),
    );
  if (formats && !formats.some((format) => image.disks[format] !== undefined))
    found.push(
      error('BUILD411', `${backend} needs the image as ${formats.join(' or ')}`, {
        hint: `add ${formats[0]} to image.formats`,
      }),
    );
  const names = [image.name, image.stem, image.kernel, image.initrd, ...Object.values(image.disks)];
  for (const name of names)
    if (name !== undefined && !isFileName(name))
      found.push(
        error('BUILD402', `${JSON.stringify(name)} is no name for a file`, {
          notes: [
            { message: 'empty, or it starts with - or ., or has a / or a control character' },
          ],
          hint: 'give the environment another name or version',
        }),
      );
  return found;
}

const isFileName = (name: string): boolean => /^[^-./\p{Cc}][^/\p{Cc}]*$/u.test(name);

function checkSizes({ machine, diskSize }: GoldenImage): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const { memory, vcpus, disk: wanted } = machine;
  if (!Number.isSafeInteger(memory) || memory < LEAST_MEMORY || memory > MOST_MEMORY)
    found.push(
      error('BUILD412', `machine.memory is ${bytes(memory)}`, {
        hint: 'give the machine between 128MiB and 64TiB',
      }),
    );
  if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > MOST_VCPUS)
    found.push(
      error('BUILD413', `machine.vcpus is ${vcpus}`, {
        hint: `give the machine between 1 and ${MOST_VCPUS} processors`,
      }),
    );
  if (wanted !== undefined && (!Number.isSafeInteger(wanted) || wanted < diskSize))
    found.push(
      error('BUILD414', `machine.disk is ${bytes(wanted)}, smaller than the image`, {
        notes: [{ message: `the image is a disk of ${bytes(diskSize)}` }],
        hint: 'make machine.disk larger, image.size smaller, or leave one of them out',
      }),
    );
  return found;
}

function bytes(count: number): string {
  if (!Number.isFinite(count) || count < MIB) return `${count} bytes`;
  return `${Number((count / MIB).toFixed(1))}MiB`;
}

function checkNic(nic: NicConfig, index: number): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const { mac, bridge } = nic;
  const where = `machine.nics[${index}]`;
  if (mac !== undefined && !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac))
    found.push(
      error('BUILD415', `${where}.mac: ${JSON.stringify(mac)} is no MAC address`, {
        hint: 'write six bytes in hexadecimal, as in 52:54:00:12:34:56',
      }),
    );
  else if (mac !== undefined && (Number.parseInt(mac, 16) % 2 === 1 || /^[0:]+$/.test(mac)))
    found.push(
      error('BUILD416', `${where}.mac: ${mac} cannot be the address of one interface`, {
        notes: [{ message: 'a first byte that is odd marks a group of interfaces' }],
        hint: 'start it with 52:54:00 if nothing speaks for another prefix',
      }),
    );
  if (bridge !== undefined && (bridge.length > LONGEST_INTERFACE || !/^[\w][\w.-]*$/.test(bridge)))
    found.push(
      error('BUILD417', `${where}.bridge: ${JSON.stringify(bridge)} is no interface of Linux`, {
        hint: `use up to ${LONGEST_INTERFACE} letters, digits, ., _ and -`,
      }),
    );
  return found;
}

function checkDistinct(nics: readonly NicConfig[]): readonly Diagnostic[] {
  const seen = new Map<string, number>();
  const found: Diagnostic[] = [];
  nics.forEach(({ mac }, index) => {
    const key = mac?.toLowerCase();
    if (key === undefined) return;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else
      found.push(
        error('BUILD418', `machine.nics[${first}] and [${index}] share the MAC address ${key}`, {
          hint: 'give each interface its own',
        }),
      );
  });
  return found;
}
