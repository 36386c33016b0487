/** Damage of all kinds, the same for the same seed. */

/** Numbers from 0 to 1 (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How many cases a fuzz test makes: some, or a third of `VSEC_FUZZ` for each of the three kinds. */
export const cases = (some: number): number =>
  process.env['VSEC_FUZZ'] ? Math.ceil(Number(process.env['VSEC_FUZZ']) / 3) : some;

export const SEED = Number(process.env['VSEC_SEED'] ?? 1);

const TELLING = [
  ...['', '\0', '\n', '\n\n', '../', '/', '-1', '0', '99999999999', '7777777', ' ', ':', '|', '('],
  ...['\r\n', '\u00ff', '-----BEGIN PGP SIGNATURE-----\n', '!<arch>\n', '`\n', 'Package: x\n'],
  ...['a'.repeat(300), '\ufeff', '%s', '__proto__', '\t', '\u202e', '=', ', ', ' (>= 1)'],
];

/** A damaged copy: up to six changes, each of a kind that somebody or something might make. */
export function mutate(bytes: Buffer, random: () => number): Buffer {
  let result = Buffer.from(bytes);
  const at = (): number => Math.floor(random() * (result.length + 1));
  const length = (): number => Math.floor(random() ** 3 * 700);
  const splice = (start: number, removed: number, put: Uint8Array): void => {
    const [head, tail] = [result.subarray(0, start), result.subarray(start + removed)];
    result = Buffer.concat([head, put, tail]);
  };
  for (let changes = 1 + Math.floor(random() * 6); changes > 0; changes--) {
    const place = at();
    switch (Math.floor(random() * 7)) {
      case 0:
        if (place < result.length) result[place] = result[place]! ^ (1 << Math.floor(random() * 8));
        break;
      case 1:
        if (place < result.length) result[place] = Math.floor(random() * 256);
        break;
      case 2:
        splice(place, length(), Buffer.alloc(0));
        break;
      case 3:
        splice(place, 0, result.subarray(place, place + length()));
        break;
      case 4: {
        const put = Buffer.from(TELLING[Math.floor(random() * TELLING.length)]!, 'latin1');
        splice(place, random() < 0.5 ? put.length : 0, put);
        break;
      }
      case 5: {
        const from = at();
        splice(place, length(), result.subarray(from, from + length()));
        break;
      }
      default:
        if (random() < 0.2) result = result.subarray(0, place) as Buffer<ArrayBuffer>;
    }
  }
  return result;
}
