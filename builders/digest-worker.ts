/** The thread behind `fileDigest`: one file to one SHA-256. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { DigestJob } from './digest.ts';
import { Frontier } from './frontier.ts';

const CHUNK = 1 << 20;

const { path, extents, frontier: shared } = workerData as DigestJob;
const frontier = shared && new Frontier(shared);
const hash = createHash('sha256');
const chunk = Buffer.allocUnsafe(CHUNK);
const zeros = Buffer.alloc(CHUNK);
const fd = openSync(path, 'r');

/** Reads at most `most` bytes from `at` on; returns how many. */
function read(at: number, most: number): number {
  const count = readSync(fd, chunk, 0, Math.min(CHUNK, most), at);
  if (count === 0) throw new Error(`${path} became shorter while it was read`);
  hash.update(chunk.subarray(0, count));
  return count;
}

function readParts(parts: NonNullable<DigestJob['extents']>): void {
  for (const { start, length, zero } of parts)
    for (let at = start, end = start + length; at < end;) {
      const most = Math.min(CHUNK, end - at);
      if (zero) {
        hash.update(zeros.subarray(0, most));
        at += most;
      } else at += read(at, Math.min(most, (frontier?.past(at) ?? Infinity) - at));
    }
}

function readToEnd(growing: Frontier): void {
  for (let at = 0, end = growing.past(0); at < end; end = growing.past(at))
    at += read(at, end - at);
}

try {
  if (extents) readParts(extents);
  else if (frontier) readToEnd(frontier);
} finally {
  closeSync(fd);
}
parentPort?.postMessage(hash.digest('hex'));
