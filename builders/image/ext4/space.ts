/** Handing out the blocks of a file system, in their order: each file lies in one piece if it can. */
import type { Geometry, Range } from './geometry.ts';

export class Space {
  readonly #taken: Range[] = [];
  readonly #fixed: readonly Range[];
  readonly #blocks: number;
  #next = 0;
  #ahead = 0;

  constructor({ blocks, fixed }: Geometry) {
    this.#fixed = fixed;
    this.#blocks = blocks;
  }

  /** The next `count` free blocks; `undefined` when there are not as many left. */
  take(count: number): readonly Range[] | undefined {
    const found: Range[] = [];
    for (let missing = count; missing > 0;) {
      const fixed = this.#fixed[this.#ahead];
      const end = fixed?.start ?? this.#blocks;
      if (this.#next >= end) {
        if (!fixed) return undefined;
        this.#next = fixed.start + fixed.count;
        this.#ahead++;
        continue;
      }
      const piece = { start: this.#next, count: Math.min(missing, end - this.#next) };
      found.push(piece);
      this.#taken.push(piece);
      this.#next += piece.count;
      missing -= piece.count;
    }
    return found;
  }

  /** Every block that is in use. */
  get used(): readonly Range[] {
    return [...this.#fixed, ...this.#taken];
  }
}
