/** A file while it is being received: under a temporary name, hashed as it is written. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  appendFile,
  chmod,
  open,
  readdir,
  rename,
  rm,
  stat,
  type FileHandle,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode, explainIo, makeFolder } from './io-errors.ts';
import { isOver, runName } from './leftovers.ts';

const ABANDONED_AFTER = 24 * 3600 * 1000;

/**
 * Grows under a name of its own and gets its final name by one rename, so no reader ever sees a
 * part of it, and several processes can write the same file at once. Whoever creates one ends it
 * with `commit` or `discard`.
 */
export class PartialFile {
  readonly path: string;
  readonly #purpose: string;
  readonly #handle: FileHandle;
  #hash: Hash = createHash('sha256');
  #size = 0;
  #open = true;

  private constructor(path: string, handle: FileHandle, purpose: string) {
    this.path = path;
    this.#handle = handle;
    this.#purpose = purpose;
  }

  /**
   * @param directory of the temporary file; on the file system of the final name
   * @param purpose for messages, to follow "cannot": `write the package store`
   */
  static async create(directory: string, purpose: string): Promise<PartialFile> {
    return explainIo(purpose, directory, async () => {
      await makeFolder(directory);
      const path = join(directory, runName());
      return new PartialFile(path, await open(path, 'wx'), purpose);
    });
  }

  /** Goes on with the file at `path`, which an earlier run may have left with {@link leave}. */
  static async resume(path: string, purpose: string): Promise<PartialFile> {
    return explainIo(purpose, path, async () => {
      await makeFolder(dirname(path));
      await appendFile(path, '');
      const file = new PartialFile(path, await open(path, 'r+'), purpose);
      for await (const chunk of createReadStream(path)) {
        file.#hash.update(chunk as Buffer);
        file.#size += (chunk as Buffer).length;
      }
      return file;
    });
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  /** SHA-256 of what was written so far, hex. */
  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  async write(chunk: Uint8Array): Promise<void> {
    await explainIo(this.#purpose, this.path, async () => {
      let offset = 0;
      while (offset < chunk.length) {
        const left = chunk.length - offset;
        const { bytesWritten } = await this.#handle.write(chunk, offset, left, this.#size + offset);
        offset += bytesWritten;
      }
    });
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  /** Forgets what was written. */
  async restart(): Promise<void> {
    await explainIo(this.#purpose, this.path, () => this.#handle.truncate(0));
    this.#hash = createHash('sha256');
    this.#size = 0;
  }

  /** Gives the file its final name, replacing what may be there; read-only from then on. */
  async commit(path: string): Promise<void> {
    try {
      await explainIo(this.#purpose, path, async () => {
        await this.#close();
        await chmod(this.path, 0o444);
        await makeFolder(dirname(path));
        await rename(this.path, path);
      });
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  /** Closes the file and leaves it as it is, for {@link resume}; harmless after `commit`. */
  async leave(): Promise<void> {
    await this.#close().catch(() => {});
  }

  /** Removes the file; harmless after `commit`. */
  async discard(): Promise<void> {
    await this.#close().catch(() => {});
    await rm(this.path, { force: true }).catch(() => {});
  }

  async #close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#handle.close();
  }
}

/** Removes what killed processes left in a folder of partial files; of others what is a day old. */
export async function removeAbandoned(directory: string, now = Date.now()): Promise<number> {
  let removed = 0;
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) continue;
    if (!(isOver(name, found.mtimeMs) ?? now - found.mtimeMs >= ABANDONED_AFTER)) continue;
    await rm(path, { force: true }).then(
      () => removed++,
      () => {},
    );
  }
  return removed;
}

/** Writes a small file at once, by a temporary name and a rename. */
export async function writeAtomically(
  path: string,
  content: Uint8Array | string,
  purpose: string,
): Promise<void> {
  const folder = join(dirname(path), '.partial');
  await removeAbandoned(folder).catch(() => 0);
  const file = await PartialFile.create(folder, purpose);
  try {
    await file.write(typeof content === 'string' ? Buffer.from(content) : content);
    await file.commit(path);
  } finally {
    await file.discard();
  }
}
