/** The thread behind `fileDigest`: one file to one SHA-256. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const CHUNK = 4 << 20;

const hash = createHash('sha256');
const chunk = Buffer.allocUnsafe(CHUNK);
const fd = openSync(workerData as string, 'r');
try {
  for (let count = 1; count > 0;) {
    count = readSync(fd, chunk, 0, CHUNK, null);
    hash.update(chunk.subarray(0, count));
  }
} finally {
  closeSync(fd);
}
parentPort?.postMessage(hash.digest('hex'));
