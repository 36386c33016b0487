/** Files for a guest as a disk that is nothing but a tar, which the guest unpacks. */
import { createReadStream, createWriteStream, statSync, truncateSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';

export interface FileOnDisk {
  readonly name: string;
  /** What is in it, or the absolute path of a file that has it. */
  readonly from: { readonly text: string } | { readonly path: string };
}

/** A disk is whole sectors, and QEMU likes it in whole tracks. */
const MULTIPLE = 64 * 1024;

export async function writeFilesDisk(path: string, files: readonly FileOnDisk[]): Promise<void> {
  const tar = pack();
  const written = pipeline(tar, createWriteStream(path));
  for (const { name, from } of files) {
    if ('text' in from) {
      tar.entry({ name }, from.text);
      continue;
    }
    const entry = tar.entry({ name, size: statSync(from.path).size });
    await pipeline(createReadStream(from.path), entry);
  }
  tar.finalize();
  await written;
  truncateSync(path, Math.ceil(statSync(path).size / MULTIPLE) * MULTIPLE);
}
