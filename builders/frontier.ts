/** How far a file is final that another thread reads while it is written. */

/** A number of bytes, shared by threads: grows until it is closed, and whoever waits for it wakes. */
export class Frontier {
  readonly shared: SharedArrayBuffer;
  /** One cell: the bytes, or when that is all there will be, what is as far below -1. */
  readonly #cell: BigInt64Array;

  /** `shared`: that of another thread's frontier. */
  constructor(shared = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#cell = new BigInt64Array(shared);
  }

  /** Nothing below `offset` changes any more; said too late, of a file that is whole, it is nothing new. */
  advance(offset: number): void {
    if (Atomics.load(this.#cell, 0) >= 0n) this.#store(BigInt(offset));
  }

  /** The file is whole, and has `size` bytes. */
  close(size: number): void {
    this.#store(-1n - BigInt(size));
  }

  /**
   * Blocks the thread, which must not be the main one, until more than `offset` bytes are final, or all
   * that there will be. Returns how many are.
   */
  past(offset: number): number {
    for (;;) {
      const now = Atomics.load(this.#cell, 0);
      const bytes = Number(now < 0n ? -1n - now : now);
      if (now < 0n || bytes > offset) return bytes;
      Atomics.wait(this.#cell, 0, now);
    }
  }

  #store(value: bigint): void {
    Atomics.store(this.#cell, 0, value);
    Atomics.notify(this.#cell, 0);
  }
}
