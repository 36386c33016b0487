/** The data types of the SSH protocol (RFC 4251, section 5), as keys and signatures use them. */

/** A string of the protocol: its length in four bytes, then its bytes. */
export function packed(...parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part as Uint8Array);
      return [uint32(bytes.length), bytes];
    }),
  );
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Reads one value after the other. @throws RangeError where the bytes end early */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  raw(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new RangeError('ends early');
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  uint32(): number {
    return this.raw(4).readUInt32BE();
  }

  string(): Buffer {
    return this.raw(this.uint32());
  }

  text(): string {
    return this.string().toString('utf8');
  }

  /** A number without sign, without leading zeros. */
  mpint(): Buffer {
    const bytes = this.string();
    const start = bytes.findIndex((byte) => byte !== 0);
    return start < 0 ? bytes.subarray(0, 0) : bytes.subarray(start);
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }
}
