/** Sizes of what a canonical tar holds. */
import { tarEntries } from './tar-entries.ts';

export interface Content {
  /** Bytes of all files, each rounded up to a 4 KiB block. */
  readonly bytes: number;
  readonly entries: number;
}

const FS_BLOCK = 4096;

/** Walks the headers of the tar at `path`; seeks over the contents. */
export function measureTar(path: string): Content {
  let bytes = 0;
  let entries = 0;
  for (const { kind, size } of tarEntries(path)) {
    entries++;
    if (kind === 'directory') bytes += FS_BLOCK;
    else bytes += Math.ceil(size / FS_BLOCK) * FS_BLOCK;
  }
  return { bytes, entries };
}
