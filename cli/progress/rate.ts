/** How fast something goes, over the last seconds. */

const WINDOW_MS = 5000;

export class RateMeter {
  readonly #samples: { readonly at: number; readonly done: number }[];

  /** `at` in milliseconds. */
  constructor(at: number) {
    this.#samples = [{ at, done: 0 }];
  }

  add(at: number, done: number): void {
    const previous = this.#samples.at(-2);
    // Ten samples a second are enough, however often the work reports.
    if (previous && at - previous.at < 100) this.#samples.pop();
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) > WINDOW_MS) {
      this.#samples.shift();
    }
  }

  /** Units per second up to `at`; 0 when nothing is known yet. */
  perSecond(at: number): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || at - first.at < 200) return 0;
    return ((last.done - first.done) / (at - first.at)) * 1000;
  }
}
