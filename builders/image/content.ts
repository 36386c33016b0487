/** Sizes of what a canonical tar holds. */
import type { TarEntry } from './tar-entries.ts';

export interface Content {
  /** Bytes of all files, each rounded up to a 4 KiB block. */
  readonly bytes: number;
  readonly entries: number;
}

const FS_BLOCK = 4096;

export function measure(all: Iterable<TarEntry>): Content {
  let bytes = 0;
  let entries = 0;
  for (const { kind, size } of all) {
    entries++;
    if (kind === 'directory') bytes += FS_BLOCK;
    else bytes += Math.ceil(size / FS_BLOCK) * FS_BLOCK;
  }
  return { bytes, entries };
}
