/**
 * The package store: every file under its SHA-256, at `store/sha256/aa/aabb…` below the cache.
 * An object has its name only when it is whole and right; objects never change.
 */
import { createReadStream, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../vse/diagnostic.ts';
import { errorCode, explainIo } from './io-errors.ts';
import { PartialFile, removeAbandoned } from './partial-file.ts';

const PURPOSE = 'write the package store';

export class Store {
  readonly root: string;
  readonly #partial: string;

  /** @param cacheDir absolute path of vsec's cache */
  constructor(cacheDir: string) {
    this.root = join(cacheDir, 'store', 'sha256');
    this.#partial = join(cacheDir, 'store', '.partial');
  }

  /** Where the object is, or would be. Hex digest in lower case. */
  path(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new TypeError(`not a SHA-256 digest: ${sha256}`);
    return join(this.root, sha256.slice(0, 2), sha256);
  }

  /** Bytes of the object, or undefined when the store does not hold it. */
  async size(sha256: string): Promise<number | undefined> {
    const path = this.path(sha256);
    return explainIo('read the package store', path, async () => {
      try {
        const found = await stat(path);
        return found.isFile() ? found.size : undefined;
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    });
  }

  /**
   * Whether the store holds the object. With `size`, one of another length (a disk that lost its
   * end in a crash) counts as missing, and the next `add` replaces it.
   */
  async has(sha256: string, size?: number): Promise<boolean> {
    const found = await this.size(sha256);
    return found !== undefined && (size === undefined || found === size);
  }

  /** The same, at once; what cannot be looked at counts as missing. */
  hasNow(sha256: string, size: number): boolean {
    try {
      const found = statSync(this.path(sha256));
      return found.isFile() && found.size === size;
    } catch {
      return false;
    }
  }

  /** A new partial file for {@link adopt}. Its owner discards it in the end. */
  async begin(): Promise<PartialFile> {
    return PartialFile.create(this.#partial, PURPOSE);
  }

  /** Moves a partial file to the name of its content and returns the path. */
  async adopt(file: PartialFile): Promise<string> {
    const path = this.path(file.sha256);
    await file.commit(path);
    return path;
  }

  /**
   * Adds what the stream gives and returns the object's path.
   * @throws REPO151 when the length or REPO150 when the digest is another than expected
   */
  async add(
    content: AsyncIterable<Uint8Array>,
    expected: { readonly sha256: string; readonly size?: number },
  ): Promise<string> {
    const file = await this.begin();
    try {
      for await (const chunk of content) {
        if (expected.size !== undefined && file.size + chunk.length > expected.size) {
          throw failure('REPO151', `content is longer than the expected ${expected.size} bytes`);
        }
        await file.write(chunk);
      }
      if (expected.size !== undefined && file.size !== expected.size) {
        throw failure(
          'REPO151',
          `content is ${file.size} bytes long instead of the expected ${expected.size}`,
        );
      }
      if (file.sha256 !== expected.sha256) {
        throw failure('REPO150', 'content does not have the expected digest', {
          notes: [{ message: `expected ${expected.sha256}` }, { message: `got ${file.sha256}` }],
        });
      }
      return await this.adopt(file);
    } finally {
      await file.discard();
    }
  }

  /** Reads the whole object again: does it still have its digest? False when it is not there. */
  async verify(sha256: string): Promise<boolean> {
    if (!(await this.has(sha256))) return false;
    const hash = createHash('sha256');
    return explainIo('read the package store', this.path(sha256), async () => {
      for await (const chunk of createReadStream(this.path(sha256))) hash.update(chunk as Buffer);
      return hash.digest('hex') === sha256;
    });
  }

  async remove(sha256: string): Promise<void> {
    await explainIo(PURPOSE, this.path(sha256), () => rm(this.path(sha256), { force: true }));
  }

  /** Removes partial files of killed processes; returns how many. */
  async sweep(): Promise<number> {
    return explainIo(PURPOSE, this.#partial, () => removeAbandoned(this.#partial));
  }
}
