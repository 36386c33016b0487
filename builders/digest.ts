/** Digests of large files, computed beside everything else. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { programFile } from './program-file.ts';

/** Bytes; below, starting a thread takes longer than reading the file. */
const LARGE = 4 << 20;

/** SHA-256 of the file at `path` in hex. A large one has a thread of its own, which `signal` ends. */
export async function fileDigest(path: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const { size } = await stat(path);
  if (size < LARGE)
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  return new Promise((resolve, reject) => {
    const thread = new Worker(programFile('digest.js'), { workerData: path });
    const end = (): void => void thread.terminate();
    signal.addEventListener('abort', end, { once: true });
    thread.on('message', resolve);
    thread.on('error', reject);
    thread.on('exit', () => {
      signal.removeEventListener('abort', end);
      // Without effect once there is a result.
      reject((signal.reason as Error | undefined) ?? new Error(`nothing was read of ${path}`));
    });
  });
}
