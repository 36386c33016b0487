/** Bytes that are read here and there: of a kernel or an initrd, which may be too large to hold. */
import { closeSync, createReadStream, fstatSync, readSync } from 'node:fs';
import { Readable } from 'node:stream';

export interface Bytes {
  readonly length: number;
  /** The `count` bytes from `start` on; fewer at the end. Good until the next call. */
  read(start: number, count: number): Buffer;
  /** All from `start` on. */
  stream(start: number): Readable;
  close(): void;
}

export const inMemory = (bytes: Buffer): Bytes => ({
  length: bytes.length,
  read: (start, count) => bytes.subarray(start, start + count),
  stream: (start) => Readable.from([bytes.subarray(start)], { objectMode: false }),
  close: () => undefined,
});

const WINDOW = 1 << 16;
const EMPTY = Buffer.alloc(0);

/** The open file `fd`, which is closed with it. */
export class FileBytes implements Bytes {
  readonly length: number;
  readonly #fd: number;
  #window = Buffer.alloc(WINDOW);
  #start = 0;
  #filled = 0;

  constructor(fd: number) {
    this.#fd = fd;
    this.length = fstatSync(fd).size;
  }

  read(start: number, count: number): Buffer {
    if (start >= this.length) return EMPTY;
    if (start < this.#start || start + count > this.#start + this.#filled) {
      if (count > this.#window.length) this.#window = Buffer.alloc(count);
      this.#filled = readSync(this.#fd, this.#window, 0, this.#window.length, start);
      this.#start = start;
    }
    const at = start - this.#start;
    return this.#window.subarray(at, Math.min(at + count, this.#filled));
  }

  stream(start: number): Readable {
    // Opened anew, for a stream that is destroyed closes its file.
    return createReadStream(`/proc/self/fd/${this.#fd}`, { start });
  }

  close(): void {
    closeSync(this.#fd);
  }
}
