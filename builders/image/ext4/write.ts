/** Bringing a planned file system to the disk, in one pass over its contents. */
import { open } from 'node:fs/promises';
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
      for (const { block, bytes } of joined(plan.blocks)) {
        signal.throwIfAborted();
        await writeAll(target, bytes, offset + block * BLOCK);
      }
      const copies = plan.copies.map((copy) => ({ ...copy, to: offset + copy.to }));
      await copyContents(source, target, copies, to);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Bytes that are written at once. */
const MOST = 4 << 20;

/** Neighbours together, in order. */
function* joined(pieces: readonly Blocks[]): Generator<Blocks> {
  const sorted = [...pieces].sort((a, b) => a.block - b.block);
  let run: Blocks[] = [];
  let length = 0;
  for (const piece of sorted) {
    const [first] = run;
    if (first && (first.block * BLOCK + length !== piece.block * BLOCK || length > MOST)) {
      yield { block: first.block, bytes: Buffer.concat(run.map(({ bytes }) => bytes)) };
      run = [];
      length = 0;
    }
    run.push(piece);
    length += piece.bytes.length;
  }
  const [first] = run;
  if (first) yield { block: first.block, bytes: Buffer.concat(run.map(({ bytes }) => bytes)) };
}
