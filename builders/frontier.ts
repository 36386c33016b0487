/** How far a file is final that another thread reads while it is written. */

/** Bytes, shared by threads: grows, and whoever waits for it wakes. */
export class Frontier {
  readonly shared: SharedArrayBuffer;
  readonly #bytes: BigInt64Array;

  /** `shared`: that of another thread's frontier. */
  constructor(shared = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#bytes = new BigInt64Array(shared);
  }

  /** Nothing below `offset` changes any more. */
  advance(offset: number): void {
    Atomics.store(this.#bytes, 0, BigInt(offset));
    Atomics.notify(this.#bytes, 0);
  }

  /** Blocks the thread, which must not be the main one, until nothing below `offset` changes. */
  await(offset: number): void {
    for (;;) {
      const now = Atomics.load(this.#bytes, 0);
      if (now >= BigInt(offset)) return;
      Atomics.wait(this.#bytes, 0, now);
    }
  }
}
