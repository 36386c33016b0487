/**
 * Ed25519 keys without a passphrase in OpenSSH's own format (PROTOCOL.key of OpenSSH), so that what
 * vsec makes serves ssh-keygen, and the other way round.
 */
import { randomBytes, createPrivateKey, type KeyObject } from 'node:crypto';
import { newEd25519 } from './ed25519.ts';
import type { PublicKey } from './public-key.ts';
import { packed, uint32, WireReader } from './wire.ts';

const MAGIC = 'openssh-key-v1\0';
const TYPE = 'ssh-ed25519';
const BLOCK = 8;

export interface KeyPair {
  readonly public: PublicKey;
  readonly private: KeyObject;
}

/** Makes a key and the text of the file that holds it. */
export function newKeyPair(comment: string): { readonly pair: KeyPair; readonly text: string } {
  const made = newEd25519();
  const { x = '', d = '' } = made.export({ format: 'jwk' });
  const [open, seed] = [Buffer.from(x, 'base64url'), Buffer.from(d, 'base64url')];
  const blob = packed(TYPE, open);
  const check = randomBytes(4);
  const secret = Buffer.concat([
    ...[check, check],
    packed(TYPE, open, Buffer.concat([seed, open]), comment),
  ]);
  const padding = Buffer.from(
    Array.from({ length: (BLOCK - (secret.length % BLOCK)) % BLOCK }, (_, i) => i + 1),
  );
  const file = Buffer.concat([
    Buffer.from(MAGIC),
    packed('none', 'none', ''),
    uint32(1),
    packed(blob, Buffer.concat([secret, padding])),
  ]);
  const lines = file.toString('base64').match(/.{1,70}/g) ?? [];
  return {
    pair: { public: { type: TYPE, blob, comment }, private: made },
    text: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
  };
}

/** Undefined when it is another kind of key, or one with a passphrase: ssh-keygen may know it. */
export function readKeyPair(text: string): KeyPair | undefined {
  const base64 = /^-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END/m.exec(text)?.[1];
  if (base64 === undefined) return undefined;
  try {
    const file = new WireReader(Buffer.from(base64.replaceAll(/\s/g, ''), 'base64'));
    if (file.raw(MAGIC.length).toString() !== MAGIC) return undefined;
    const [cipher, kdf] = [file.text(), file.text()];
    file.string();
    if (cipher !== 'none' || kdf !== 'none' || file.uint32() !== 1) return undefined;
    const blob = file.string();
    const secret = new WireReader(file.string());
    if (secret.uint32() !== secret.uint32() || secret.text() !== TYPE) return undefined;
    const open = secret.string();
    const seed = secret.string().subarray(0, 32);
    const url = (bytes: Buffer): string => bytes.toString('base64url');
    const key = { kty: 'OKP', crv: 'Ed25519', x: url(open), d: url(seed) };
    return {
      public: { type: TYPE, blob, comment: secret.text() },
      private: createPrivateKey({ key, format: 'jwk' }),
    };
  } catch {
    return undefined;
  }
}
