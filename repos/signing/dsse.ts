/** Signed envelopes: DSSE 1.0 (<https://github.com/secure-systems-lab/dsse>). */
import { fingerprint } from './public-key.ts';
import type { Signer } from './signer.ts';

export const IN_TOTO = 'application/vnd.in-toto+json';

export interface Envelope {
  readonly payloadType: string;
  /** Base64. */
  readonly payload: string;
  /** `keyid`: fingerprint of the key, as `ssh-keygen -l` shows it. */
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

/** What is signed: type and payload, each with its length in bytes ("pre-authentication encoding"). */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType);
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `),
    payload,
  ]);
}

/**
 * The envelope of `payload`. With an Ed25519 key that vsec can read, `sig` is the bare signature
 * (RFC 8032), as verifiers of DSSE expect it. Keys that only ssh-keygen can use sign in OpenSSH's
 * format: then `sig` is the armored signature, in base64 like any other.
 */
export async function signEnvelope(
  payloadType: string,
  payload: Uint8Array,
  signer: Signer,
): Promise<Envelope> {
  const message = preAuthEncoding(payloadType, payload);
  const bytes = signer.signBare?.(message) ?? Buffer.from(await signer.sign(message));
  return {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ keyid: fingerprint(signer.key), sig: bytes.toString('base64') }],
  };
}
