/** SHA-256 of the files of a bundle: each as soon as it is written, beside what is still written. */
import pLimit from 'p-limit';
import { fileDigest } from './digest.ts';
import type { Known } from './digest.ts';

export class Checksums {
  private readonly known = new Map<string, Promise<string>>();
  private readonly limit: ReturnType<typeof pLimit>;
  private readonly signal: AbortSignal;

  /** At most `jobs` files are read at once, until `signal` is aborted. */
  constructor(jobs: number, signal: AbortSignal) {
    this.limit = pLimit(jobs);
    this.signal = signal;
  }

  /**
   * Says that the file at `path` is whole, or how far it is; `known` is its digest where that needs no
   * reading.
   */
  add(path: string, known?: string | Known): void {
    const digest =
      typeof known === 'string'
        ? Promise.resolve(known)
        : this.limit(() => fileDigest(path, this.signal, known));
    // Who asks for it hears of a failure.
    digest.catch(() => undefined);
    this.known.set(path, digest);
  }

  /** SHA-256 in hex of the file at `path`, which is whole. */
  of(path: string): Promise<string> {
    if (!this.known.has(path)) this.add(path);
    return this.known.get(path) as Promise<string>;
  }
}
