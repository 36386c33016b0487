/** The checksums of ext4's feature metadata_csum (kernel documentation, ext4, "Checksums"). */
import CRC32C from 'crc-32/crc32c.js';

/** CRC-32C over `parts`, going on from `seed`, without the inversion at its end: 32 bits. */
export const crc32c = (seed: number, ...parts: readonly Uint8Array[]): number =>
  parts.reduce((crc, part) => ~CRC32C.buf(part, ~crc) >>> 0, seed >>> 0);

/** What the checksum of anything starts with that no other file system's should match. */
export const START = 0xffffffff;

/** Numbers of 32 bits, the lowest byte first. */
export function word(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  values.forEach((value, at) => bytes.writeUInt32LE(value, at * 4));
  return bytes;
}
