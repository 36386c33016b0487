/** Throw-away signing keys. */
import { writeFile } from 'node:fs/promises';
import * as openpgp from 'openpgp';

export interface SigningKey {
  readonly key: openpgp.PrivateKey;
  readonly fingerprint: string;
  readonly armored: string;
  readonly binary: Uint8Array;
}

const YEAR = 365 * 24 * 3600;

/** @param options `created` a year ago unless given; `lifetime` in seconds, endless when absent */
export async function newKey(
  options: {
    readonly created?: Date;
    readonly lifetime?: number;
    readonly type?: 'curve25519' | 'rsa';
  } = {},
): Promise<SigningKey> {
  const { type = 'curve25519' } = options;
  const { created = new Date(Date.now() - YEAR * 1000), lifetime = 0 } = options;
  const { privateKey } = await openpgp.generateKey({
    type,
    rsaBits: 2048,
    userIDs: [{ name: 'Test Archive', email: 'archive@mirror.example' }],
    date: created,
    keyExpirationTime: lifetime,
    format: 'object',
  });
  const publicKey = privateKey.toPublic();
  return {
    key: privateKey,
    fingerprint: publicKey.getFingerprint().toUpperCase(),
    armored: publicKey.armor(),
    binary: publicKey.write(),
  };
}

export async function signCleartext(
  text: string,
  keys: readonly SigningKey[],
  date = new Date(),
): Promise<string> {
  const message = await openpgp.createCleartextMessage({ text });
  const signingKeys = keys.map(({ key }) => key);
  return openpgp.sign({ message, signingKeys, date });
}

export async function signDetached(
  text: string,
  key: SigningKey,
  date = new Date(),
): Promise<string> {
  const message = await openpgp.createMessage({ binary: Buffer.from(text) });
  return openpgp.sign({ message, signingKeys: key.key, detached: true, date });
}

/** Writes the public half and returns the path. */
export async function pin(path: string, key: SigningKey): Promise<string> {
  await writeFile(path, key.armored);
  return path;
}
