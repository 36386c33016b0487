/** Digests of large files, computed beside everything else. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { programFile } from './program-file.ts';

/** Bytes; below, starting a thread takes longer than reading the file. */
const LARGE = 4 << 20;

/** A part of a file, in bytes; `zero`: known to hold zeros alone, as a hole does. */
export interface Extent {
  readonly start: number;
  readonly length: number;
  readonly zero: boolean;
}

/** What the thread is given. */
export interface DigestJob {
  readonly path: string;
  readonly extents: readonly Extent[];
}

/**
 * SHA-256 of the file at `path` in hex. A large one has a thread of its own, which `signal` ends.
 * `extents`: its parts, one behind the other, where it is known that some need no reading: reading
 * a hole costs as much as reading a file.
 */
export async function fileDigest(
  path: string,
  signal?: AbortSignal,
  extents?: readonly Extent[],
): Promise<string> {
  signal?.throwIfAborted();
  const { size } = await stat(path);
  if (size < LARGE)
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  const job: DigestJob = { path, extents: extents ?? [{ start: 0, length: size, zero: false }] };
  return new Promise((resolve, reject) => {
    const thread = new Worker(programFile('digest.js'), { workerData: job });
    const end = (): void => void thread.terminate();
    signal?.addEventListener('abort', end, { once: true });
    thread.on('message', resolve);
    thread.on('error', reject);
    thread.on('exit', () => {
      signal?.removeEventListener('abort', end);
      // Without effect once there is a result.
      reject((signal?.reason as Error | undefined) ?? new Error(`nothing was read of ${path}`));
    });
  });
}
