/** Digests of large files, computed beside everything else. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { Frontier } from './frontier.ts';
import { programFile } from './program-file.ts';

/** Bytes; below, starting a thread takes longer than reading the file. */
const LARGE = 4 << 20;

/** A part of a file, in bytes; `zero`: known to hold zeros alone, as a hole does. */
export interface Extent {
  readonly start: number;
  readonly length: number;
  readonly zero: boolean;
}

/** What is known of a file before it is read. */
export interface Known {
  /** Its parts, one behind the other; not known of a file that grows. */
  readonly extents?: readonly Extent[];
  /** Where it is still being written: how far it can be read. */
  readonly frontier?: Frontier;
}

/** What the thread is given. */
export interface DigestJob {
  readonly path: string;
  /** Without any, the file is read to the frontier's end. */
  readonly extents?: readonly Extent[];
  readonly frontier?: SharedArrayBuffer;
}

/**
 * SHA-256 of the file at `path` in hex. A large one has a thread of its own, which `signal` ends.
 * `known` saves reading holes, which costs as much as reading content, and lets the thread follow
 * whoever writes the file.
 */
export async function fileDigest(
  path: string,
  signal?: AbortSignal,
  known?: Known,
): Promise<string> {
  signal?.throwIfAborted();
  if (known) {
    const { extents, frontier } = known;
    const shared = frontier && { frontier: frontier.shared };
    return inThread({ path, ...(extents && { extents }), ...shared }, signal);
  }
  const { size } = await stat(path);
  if (size < LARGE)
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  return inThread({ path, extents: [{ start: 0, length: size, zero: false }] }, signal);
}

function inThread(job: DigestJob, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(programFile('digest.js'), {
      workerData: job,
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 },
    });
    const end = (): void => void thread.terminate();
    signal?.addEventListener('abort', end, { once: true });
    thread.on('message', resolve);
    thread.on('error', reject);
    thread.on('exit', () => {
      signal?.removeEventListener('abort', end);
      // Without effect once there is a result.
      reject((signal?.reason as Error | undefined) ?? new Error(`nothing was read of ${job.path}`));
    });
  });
}
