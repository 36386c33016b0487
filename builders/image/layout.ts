/** Where things are on the disk: GPT with a BIOS boot partition, an ESP and the root. */

export const SECTOR = 512;
const MIB = 1 << 20;

export interface Partition {
  /** Number in the table. */
  readonly number: number;
  /** Name in the table. */
  readonly name: string;
  /** Type code as sgdisk has it. */
  readonly type: string;
  /** First byte and number of bytes; both multiples of 1 MiB. */
  readonly offset: number;
  readonly size: number;
}

export interface Layout {
  /** Bytes of the whole disk. */
  readonly size: number;
  readonly bios: Partition;
  readonly esp: Partition;
  readonly root: Partition;
}

const BIOS_SIZE = 1 * MIB;
/** The smallest FAT32 file system with 512-byte clusters is just over 32 MiB. */
const ESP_SIZE = 36 * MIB;
/** The backup of the table at the end of the disk, rounded up. */
const TAIL = 1 * MIB;

/**
 * Lays out a disk. The root is partition 1 but lies last, so that it can grow with the disk;
 * what firmware needs has the numbers 14 and 15, as on most cloud images.
 */
export function layoutFor(rootSize: number): Layout {
  const bios: Partition = {
    number: 14,
    name: 'bios',
    type: 'ef02',
    offset: MIB,
    size: BIOS_SIZE,
  };
  const esp: Partition = {
    number: 15,
    name: 'esp',
    type: 'ef00',
    offset: bios.offset + bios.size,
    size: ESP_SIZE,
  };
  const root: Partition = {
    number: 1,
    name: 'root',
    type: '8304',
    offset: esp.offset + esp.size,
    size: Math.ceil(rootSize / MIB) * MIB,
  };
  return { size: root.offset + root.size + TAIL, bios, esp, root };
}

/** Bytes for the root when the disk as a whole is to have `diskSize` bytes. */
export function rootSizeOn(diskSize: number): number {
  const whole = Math.floor(diskSize / MIB) * MIB;
  return whole - (MIB + BIOS_SIZE + ESP_SIZE) - TAIL;
}

/** Files that a file system of this many bytes can hold for certain (ext4: one group). */
const ENTRIES_PER_GROUP = 25_000;
const GROUP = 128 * MIB;

/**
 * Bytes of a root file system that holds `contentBytes` in `entries` files with room to boot and
 * work: a sixth more, inodes, the journal, and 128 MiB.
 */
export function automaticRootSize(contentBytes: number, entries: number): number {
  const raw = contentBytes * 1.17 + entries * 512 + 64 * MIB + 128 * MIB;
  const forInodes = Math.ceil(entries / ENTRIES_PER_GROUP) * GROUP;
  return Math.ceil(Math.max(raw, forInodes) / (64 * MIB)) * 64 * MIB;
}
