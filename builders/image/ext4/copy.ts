/** Bringing the contents of files from the tar to their blocks. */
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { BLOCK } from './geometry.ts';
import type { Copy } from './plan.ts';

/** Bytes that are written at once. */
const CHUNK = 1 << 20;

interface Target {
  /** Where in the target the copies' places are counted from. */
  readonly offset: number;
  readonly signal: AbortSignal;
  readonly settled?: (offset: number) => void;
}

/**
 * Copies `copies`, whose targets ascend, from `source` to `target`; the last block of each is filled up
 * with zeros. One chunk is read while the one before it is written. `settled` hears of each.
 */
export async function copyContents(
  source: FileHandle,
  target: FileHandle,
  copies: readonly Copy[],
  { offset, signal, settled }: Target,
): Promise<void> {
  let buffer = Buffer.allocUnsafe(CHUNK);
  let spare = Buffer.allocUnsafe(CHUNK);
  let writing: Promise<void> = Promise.resolve();
  let base = 0;
  let filled = 0;
  const flush = async (): Promise<void> => {
    await writing;
    signal.throwIfAborted();
    const [full, length, position] = [buffer, filled, base];
    [buffer, spare] = [spare, buffer];
    writing = writeAll(target, full.subarray(0, length), position).then(() =>
      settled?.(position + length),
    );
    // Its failure is for whoever waits for it next.
    writing.catch(() => undefined);
    filled = 0;
  };
  for (const { from, to, length } of copies)
    for (let done = 0; done < length;) {
      if (filled > 0 && (filled === CHUNK || base + filled !== offset + to + done)) await flush();
      if (filled === 0) base = offset + to + done;
      const count = Math.min(length - done, CHUNK - filled);
      readAll(source, buffer.subarray(filled, filled + count), from + done);
      done += count;
      const end = Math.ceil((filled + count) / BLOCK) * BLOCK;
      buffer.fill(0, filled + count, end);
      filled = end;
    }
  await flush();
  await writing;
}

/** Without a promise for each of the many small files; what was just written is in memory. */
function readAll(source: FileHandle, into: Buffer, position: number): void {
  for (let at = 0; at < into.length;) {
    const count = readSync(source.fd, into, at, into.length - at, position + at);
    if (count === 0) throw new Error('the tar became shorter while it was read');
    at += count;
  }
}

/** Writes all of `bytes`; one call may write a part of them. */
export async function writeAll(
  target: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await target.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}
