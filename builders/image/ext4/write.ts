/** Bringing a planned file system to the disk, in one pass over its contents. */
import { open, type FileHandle } from 'node:fs/promises';
import { copyContents, writeAll } from './copy.ts';
import { BLOCK } from './geometry.ts';
import type { Blocks, Ext4Plan } from './plan.ts';

export interface Ext4Target {
  /** A file that reads as zeros where the file system is to be, from `offset` on. */
  readonly disk: string;
  readonly offset: number;
  readonly signal: AbortSignal;
  /** Called with an offset in `disk` below which nothing will change any more. */
  readonly settled?: (offset: number) => void;
}

/** Writes the file system whose contents are in `tar`. */
export async function writeExt4(plan: Ext4Plan, tar: string, to: Ext4Target): Promise<void> {
  const { disk, offset, signal } = to;
  const source = await open(tar, 'r');
  try {
    const target = await open(disk, 'r+');
    try {
      for (const run of joined(plan.blocks)) {
        signal.throwIfAborted();
        await writeRun(target, run, offset);
      }
      await copyContents(source, target, plan.copies, to);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Pieces that are written at once. */
const MOST = 1000;

/** Neighbours together, in order. */
function* joined(pieces: readonly Blocks[]): Generator<readonly Blocks[]> {
  let run: Blocks[] = [];
  let end = 0;
  for (const piece of [...pieces].sort((a, b) => a.block - b.block)) {
    if (run.length > 0 && (piece.block !== end || run.length === MOST)) {
      yield run;
      run = [];
    }
    run.push(piece);
    end = piece.block + piece.bytes.length / BLOCK;
  }
  if (run.length > 0) yield run;
}

async function writeRun(target: FileHandle, run: readonly Blocks[], offset: number): Promise<void> {
  const start = offset + (run[0]?.block ?? 0) * BLOCK;
  const parts = run.map(({ bytes }) => bytes);
  const { bytesWritten } = await target.writev(parts, start);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (bytesWritten < length)
    await writeAll(target, Buffer.concat(parts).subarray(bytesWritten), start + bytesWritten);
}
