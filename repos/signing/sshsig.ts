/** Detached signatures in OpenSSH's format (PROTOCOL.sshsig), which `ssh-keygen -Y verify` checks. */
import { createHash, sign, verify } from 'node:crypto';
import type { KeyPair } from './private-key.ts';
import { CURVES, toKeyObject } from './public-key.ts';
import { packed, uint32, WireReader } from './wire.ts';

const MAGIC = Buffer.from('SSHSIG');

/** What a signature was made for: one for files or for git does not count for anything else. */
export const NAMESPACE = 'vsec';

const toSign = (message: Uint8Array, hash: string): Buffer =>
  Buffer.concat([MAGIC, packed(NAMESPACE, '', hash, createHash(hash).update(message).digest())]);

/** The armored signature of `message`. */
export function signWith(pair: KeyPair, message: Uint8Array): string {
  const raw = sign(null, toSign(message, 'sha512'), pair.private);
  const blob = Buffer.concat([
    ...[MAGIC, uint32(1)],
    packed(pair.public.blob, NAMESPACE, '', 'sha512', packed(pair.public.type, raw)),
  ]);
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN SSH SIGNATURE-----\n${lines.join('\n')}\n-----END SSH SIGNATURE-----\n`;
}

export type Verification =
  /** `key`: of the signer, in the protocol's encoding. Whether to trust it is another question. */
  | { readonly valid: true; readonly key: Buffer }
  | { readonly valid: false; readonly why: string; readonly key?: Buffer };

/** Whether `armored` is a signature of `message` by the key that it carries. */
export function checkSignature(armored: string, message: Uint8Array): Verification {
  const base64 = /-----BEGIN SSH SIGNATURE-----([^-]*)-----END SSH SIGNATURE-----/.exec(armored);
  if (!base64) return { valid: false, why: 'it is no SSH signature' };
  let key: Buffer | undefined;
  try {
    const reader = new WireReader(Buffer.from(base64[1]!.replaceAll(/\s/g, ''), 'base64'));
    if (!reader.raw(MAGIC.length).equals(MAGIC) || reader.uint32() !== 1)
      return { valid: false, why: 'it is of another version of the format' };
    key = reader.string();
    const namespace = reader.text();
    if (namespace !== NAMESPACE)
      return { valid: false, why: `it was made for '${namespace}', not for '${NAMESPACE}'`, key };
    reader.string();
    const hash = reader.text();
    if (hash !== 'sha512' && hash !== 'sha256')
      return { valid: false, why: `it uses the hash '${hash}'`, key };
    const valid = verifyBlob(key, reader.string(), toSign(message, hash));
    return valid ? { valid, key } : { valid: false, why: 'it does not fit what it signs', key };
  } catch (cause) {
    return {
      valid: false,
      why: `it is malformed: ${(cause as Error).message}`,
      ...(key && { key }),
    };
  }
}

function verifyBlob(key: Buffer, signature: Buffer, data: Buffer): boolean {
  const object = toKeyObject(key);
  const reader = new WireReader(signature);
  const algorithm = reader.text();
  const raw = reader.string();
  if (!object) throw new Error(`signatures of the kind ${algorithm} are not supported`);
  switch (object.asymmetricKeyType) {
    case 'ed25519':
      return algorithm === 'ssh-ed25519' && verify(null, data, object, raw);
    case 'rsa': {
      const hash = { 'rsa-sha2-512': 'sha512', 'rsa-sha2-256': 'sha256' }[algorithm];
      return hash !== undefined && verify(hash, data, object, raw);
    }
    default: {
      const [, size = 0, hash] = CURVES[algorithm.replace('ecdsa-sha2-', '')] ?? [];
      const numbers = new WireReader(raw);
      const padded = [numbers.mpint(), numbers.mpint()].map((n) =>
        Buffer.concat([Buffer.alloc(Math.max(0, size - n.length)), n]),
      );
      const one = { key: object, dsaEncoding: 'ieee-p1363' as const };
      return verify(hash, data, one, Buffer.concat(padded));
    }
  }
}
