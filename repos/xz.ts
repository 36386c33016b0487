/** `.xz` without a program: slower than `xz`, and there before any toolbox is. */
import { Readable } from 'node:stream';
import pLimit from 'p-limit';

/** The library blocks for good when two of its streams are read in turns: one at a time. */
const oneStream = pLimit(1);

/** Decompresses `input`. Waits until other calls have been read to their end, or left. */
export async function* unxz(input: Readable): AsyncGenerator<Uint8Array> {
  const { default: library } = await import('xz-decompress');
  let done = () => {};
  await new Promise<void>((granted) => {
    void oneStream(() => {
      granted();
      return new Promise<void>((resolve) => (done = resolve));
    });
  });
  try {
    type Input = ConstructorParameters<typeof library.XzReadableStream>[0];
    const stream = new library.XzReadableStream(Readable.toWeb(input) as unknown as Input);
    yield* stream as unknown as AsyncIterable<Uint8Array>;
  } finally {
    done();
    input.destroy();
  }
}
