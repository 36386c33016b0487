/** The kernel inside a bzImage (Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"). */
import { compressionOf } from './compression.ts';

const SETUP_SECTORS = 0x1f1;
const MAGIC = 0x202;
const PROTOCOL = 0x206;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
/** The first protocol that tells where the payload is. */
const WITH_PAYLOAD = 0x0208;
const SECTOR = 512;

/** The compressed ELF file in `image`; of a file that is no bzImage, the file itself. */
export function kernelPayload(image: Buffer): {
  readonly compression: string;
  readonly payload: Buffer;
} {
  const isBzImage =
    image.length > SECTOR * 2 &&
    image.toString('latin1', MAGIC, MAGIC + 4) === 'HdrS' &&
    image.readUInt16LE(PROTOCOL) >= WITH_PAYLOAD;
  if (!isBzImage) return { compression: compressionOf(image) ?? 'none', payload: image };
  const start = ((image[SETUP_SECTORS] || 4) + 1) * SECTOR + image.readUInt32LE(PAYLOAD_OFFSET);
  const payload = image.subarray(start, start + image.readUInt32LE(PAYLOAD_LENGTH));
  const compression = compressionOf(payload) ?? 'none';
  // All but gzip, which ends with its size anyway, have the size put behind them.
  const behind = compression === 'gzip' || compression === 'none' ? 0 : 4;
  return { compression, payload: payload.subarray(0, payload.length - behind) };
}
