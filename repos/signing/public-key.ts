/** Public keys as ssh writes them: `ssh-ed25519 AAAA… comment`, one line (RFC 4253, section 6.6). */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { WireReader } from './wire.ts';

export interface PublicKey {
  /** `ssh-ed25519`, `ssh-rsa` or `ecdsa-sha2-nistp…`. */
  readonly type: string;
  /** The key in the protocol's encoding: two keys are equal when these are. */
  readonly blob: Buffer;
  readonly comment: string;
}

/** Reads one line of a `.pub` file. Undefined when it is none. */
export function parsePublicKey(line: string): PublicKey | undefined {
  const [type = '', base64 = '', ...comment] = line.trim().split(/\s+/);
  if (!/^[A-Za-z0-9+/]+=*$/.test(base64)) return undefined;
  const blob = Buffer.from(base64, 'base64');
  try {
    if (new WireReader(blob).text() !== type) return undefined;
  } catch {
    return undefined;
  }
  return { type, blob, comment: comment.join(' ') };
}

export const showPublicKey = ({ type, blob, comment }: PublicKey): string =>
  `${type} ${blob.toString('base64')}${comment && ` ${comment}`}`;

/** `SHA256:…`, as `ssh-keygen -l` shows it. */
export const fingerprint = ({ blob }: Pick<PublicKey, 'blob'>): string =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;

/** The curves of ECDSA keys: name in JSON Web Keys, bytes of a coordinate, hash. */
export const CURVES: Readonly<Record<string, readonly [name: string, size: number, hash: string]>> =
  {
    nistp256: ['P-256', 32, 'sha256'],
    nistp384: ['P-384', 48, 'sha384'],
    nistp521: ['P-521', 66, 'sha512'],
  };

/** Undefined for a kind of key that cannot be checked here. @throws when it is malformed */
export function toKeyObject(blob: Uint8Array): KeyObject | undefined {
  const reader = new WireReader(blob);
  const type = reader.text();
  const url = (bytes: Buffer): string => bytes.toString('base64url');
  let key: JsonWebKey | undefined;
  if (type === 'ssh-ed25519') key = { kty: 'OKP', crv: 'Ed25519', x: url(reader.string()) };
  if (type === 'ssh-rsa') {
    const [e, n] = [reader.mpint(), reader.mpint()];
    key = { kty: 'RSA', e: url(e), n: url(n) };
  }
  if (type.startsWith('ecdsa-sha2-')) {
    const [name, size] = CURVES[reader.text()] ?? [];
    const point = reader.string();
    if (name && size && point.length === 1 + 2 * size && point[0] === 4)
      key = {
        ...{ kty: 'EC', crv: name },
        ...{ x: url(point.subarray(1, 1 + size)), y: url(point.subarray(1 + size)) },
      };
  }
  return key && createPublicKey({ key, format: 'jwk' });
}
