/** The thread behind `fileDigest`: one file to one SHA-256. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { DigestJob } from './digest.ts';
import { Frontier } from './frontier.ts';

const CHUNK = 4 << 20;

const { path, extents, frontier: shared } = workerData as DigestJob;
const frontier = shared && new Frontier(shared);
const hash = createHash('sha256');
const chunk = Buffer.allocUnsafe(CHUNK);
const zeros = Buffer.alloc(CHUNK);
const fd = openSync(path, 'r');
try {
  for (const { start, length, zero } of extents)
    for (let at = start, end = start + length; at < end;) {
      const most = Math.min(CHUNK, end - at);
      if (!zero) frontier?.await(at + most);
      const count = zero ? most : readSync(fd, chunk, 0, most, at);
      if (count === 0) throw new Error(`${path} became shorter while it was read`);
      hash.update((zero ? zeros : chunk).subarray(0, count));
      at += count;
    }
} finally {
  closeSync(fd);
}
parentPort?.postMessage(hash.digest('hex'));
