/**
 * Ed25519 keys and signatures in the text format of signify(1): small enough for a kernel's command
 * line and for a shim to verify. Key and signature are base64 of "Ed", eight bytes that say which
 * key it is, and the 32 or 64 bytes of RFC 8032.
 */
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from '../../repos/io-errors.ts';
import { newEd25519 } from '../../repos/signing/ed25519.ts';
import { failure } from '../../vse/diagnostic.ts';

export interface SigningKey {
  /** What a shim is given as `vsec.key`. */
  readonly public: string;
  /** A whole signature file for `text`. */
  sign(text: string): string;
}

const ALGORITHM = Buffer.from('Ed');

/** A key that lives as long as this process. */
export const temporaryKey = (): SigningKey => signingKey(newEd25519());

/**
 * The key in the file at `path`, which is made when there is none, readable by its owner alone.
 * BOOT070 when it cannot be, or when what is there is no such key.
 */
export function keyAt(path: string): SigningKey {
  try {
    return signingKey(readKey(path) ?? makeKey(path));
  } catch (problem) {
    throw failure('BOOT070', `cannot use the head node's key in ${path}`, {
      notes: [{ message: (problem as Error).message }],
      hint: 'it is an Ed25519 private key in PEM; name another file with --key',
    });
  }
}

function readKey(path: string): KeyObject | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (problem) {
    if (errorCode(problem) === 'ENOENT') return undefined;
    throw problem;
  }
  const key = createPrivateKey(text);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('it is no Ed25519 key');
  return key;
}

function makeKey(path: string): KeyObject {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const privateKey = newEd25519();
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), {
    mode: 0o600,
    flag: 'wx',
  });
  return privateKey;
}

function signingKey(key: KeyObject): SigningKey {
  // The last 32 bytes of an Ed25519 SubjectPublicKeyInfo (RFC 8410) are the key itself.
  const point = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32);
  const id = createHash('sha256').update(point).digest().subarray(0, 8);
  const encode = (bytes: Buffer): string =>
    Buffer.concat([ALGORITHM, id, bytes]).toString('base64');
  return {
    public: encode(point),
    sign: (text) => {
      const signature = encode(sign(null, Buffer.from(text), key));
      return `untrusted comment: verify with the head node's key\n${signature}\n`;
    },
  };
}
