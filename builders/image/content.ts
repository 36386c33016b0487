/** Sizes of what a canonical tar holds. */
import { BLOCK } from './ext4/geometry.ts';
import type { TarEntry } from './tar-entries.ts';

export interface Content {
  /** Bytes of all files, each rounded up to a 4 KiB block. */
  readonly bytes: number;
  readonly entries: number;
}

export function measure(all: Iterable<TarEntry>): Content {
  let bytes = 0;
  let entries = 0;
  for (const { kind, size } of all) {
    entries++;
    if (kind === 'directory') bytes += BLOCK;
    else bytes += Math.ceil(size / BLOCK) * BLOCK;
  }
  return { bytes, entries };
}
