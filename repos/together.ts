/** Several pieces of work that succeed or fail as one. */
import pLimit from 'p-limit';

/**
 * Runs `work` for every item, `atOnce` of them at a time. The first failure aborts the signal
 * that the others were given; the call ends when all of them have ended, so nothing goes on
 * behind the caller's back.
 * @returns results in the order of the items
 */
export async function together<T, R>(
  items: readonly T[],
  atOnce: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const limit = pLimit(atOnce);
  const results = items.map((item) =>
    limit(async () => {
      try {
        either.throwIfAborted();
        return await work(item, either);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    }),
  );
  await Promise.allSettled(results);
  either.throwIfAborted();
  return Promise.all(results);
}

type Works = readonly ((signal: AbortSignal) => Promise<unknown>)[];
type Results<T extends Works> = { -readonly [K in keyof T]: Awaited<ReturnType<T[K]>> };

/** As `together`, for works of different kinds, all at once. */
export async function sideBySide<const T extends Works>(
  signal: AbortSignal,
  works: T,
): Promise<Results<T>> {
  const results = await together(works, Math.max(works.length, 1), signal, (work, own) =>
    work(own),
  );
  return results as Results<T>;
}
