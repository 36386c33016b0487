/** New Ed25519 keys. */
import { createPrivateKey, randomBytes, type KeyObject } from 'node:crypto';

/** PKCS #8 of such a key (RFC 8410) up to the key itself. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const LENGTH = 32;

/**
 * A private key: any 32 random bytes are one (RFC 8032, 5.1.5). Not by `generateKeyPairSync`: to export
 * what that made waits for ever when Node.js 20 collects garbage meanwhile.
 */
export const newEd25519 = (): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([PKCS8, randomBytes(LENGTH)]),
    format: 'der',
    type: 'pkcs8',
  });
