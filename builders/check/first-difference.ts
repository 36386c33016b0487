/** Where two files begin to differ. */
import { open } from 'node:fs/promises';

export interface ByteDifference {
  /** Bytes from the start of the range. */
  readonly offset: number;
  /** The bytes there, up to 16 of them, in hex; empty where a file has ended. */
  readonly first: string;
  readonly second: string;
}

/** A part of a file; of all of it when `size` is absent. */
export interface Range {
  readonly path: string;
  readonly offset?: number;
  readonly size?: number;
}

const CHUNK = 1 << 20;
const SHOWN = 16;

/** The first byte at which the two are not the same; `undefined` when they are. */
export async function firstDifference(a: Range, b: Range): Promise<ByteDifference | undefined> {
  const one = await open(a.path);
  try {
    const other = await open(b.path);
    try {
      const sizes = [a.size ?? (await one.stat()).size, b.size ?? (await other.stat()).size];
      const buffers = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)] as const;
      const read = async (which: 0 | 1, at: number, length: number): Promise<Buffer> => {
        const [handle, range] = which === 0 ? [one, a] : [other, b];
        const wanted = Math.max(0, Math.min(length, sizes[which]! - at));
        const { bytesRead } = await handle.read(
          buffers[which],
          0,
          wanted,
          (range.offset ?? 0) + at,
        );
        return buffers[which].subarray(0, bytesRead);
      };
      for (let at = 0; at < Math.max(...sizes); at += CHUNK) {
        const [x, y] = [await read(0, at, CHUNK), await read(1, at, CHUNK)];
        if (x.equals(y)) continue;
        let i = 0;
        while (i < x.length && x[i] === y[i]) i++;
        const offset = at + i;
        const shown = async (which: 0 | 1): Promise<string> =>
          (await read(which, offset, SHOWN)).toString('hex');
        return { offset, first: await shown(0), second: await shown(1) };
      }
      return undefined;
    } finally {
      await other.close();
    }
  } finally {
    await one.close();
  }
}
