/**
 * Signatures of archives. The policy: at least one signature is right and made by a pinned key
 * that, at the time of signing, was neither expired nor retired, with a digest and a key size
 * that are not weak (no MD5, SHA-1, RIPEMD-160; RSA from 2047 bits). Other signatures beside it
 * do not matter. A key that was revoked because it was lost, or for no stated reason, vouches for
 * nothing, whenever it signed.
 */
import { readFile } from 'node:fs/promises';
import type { CleartextMessage, Message, PublicKey } from 'openpgp';
import { failure, misuse, type VsecError } from '../vse/diagnostic.ts';

/** How far this machine's clock may be behind an archive's, in milliseconds. */
export const CLOCK_TOLERANCE = 3600 * 1000;

/** Policy for keys and signatures; see the top of the file. */
const POLICY = {
  minRSABits: 2047,
  // A key file whose self-signatures were renewed after an index was signed still vouches for it.
  allowInsecureVerificationWithReformattedKeys: true,
};

export interface PinnedKey {
  readonly key: PublicKey;
  readonly file: string;
}

export interface Verified {
  /** What was signed, and nothing else of the document. */
  readonly text: string;
  /** Fingerprint of the pinned primary key, upper-case hex. */
  readonly signedBy: string;
}

/**
 * Reads pinned keys, ASCII-armoured or binary, any number in a file.
 * @param files absolute paths
 * @throws REPO123 (exit code 2): a file is missing or holds no key
 */
export async function readPinnedKeys(files: readonly string[]): Promise<PinnedKey[]> {
  const { readKeys } = await import('openpgp');
  const pinned: PinnedKey[] = [];
  for (const file of files) {
    try {
      const bytes = await readFile(file);
      const blocks = armouredBlocks(bytes);
      const read = blocks
        ? await Promise.all(blocks.map((armoredKeys) => readKeys({ armoredKeys })))
        : [await readKeys({ binaryKeys: bytes })];
      pinned.push(...read.flat().map((key) => ({ key: key.toPublic(), file })));
    } catch (error) {
      throw misuse('REPO123', `cannot read the pinned key ${file}`, {
        notes: [{ message: (error as Error).message }],
        hint: '`signed-by` names OpenPGP public keys (.asc or .gpg) that may sign the repository',
      });
    }
  }
  return pinned;
}

function armouredBlocks(bytes: Buffer): string[] | undefined {
  const text = bytes.toString('latin1');
  if (!text.includes('-----BEGIN PGP')) return undefined;
  const block = /-----BEGIN PGP PUBLIC KEY BLOCK-----[^]*?-----END PGP PUBLIC KEY BLOCK-----/g;
  return text.match(block) ?? [];
}

/**
 * Verifies an OpenPGP cleartext document (InRelease).
 * @param what for messages, such as `the index bookworm of repository main`
 * @throws REPO120 changed after signing, REPO121 unknown signer, REPO122 key or signature not
 *   acceptable, REPO124 not signed at all
 */
export async function verifyCleartext(
  document: Uint8Array,
  keys: readonly PinnedKey[],
  what: string,
  now: Date,
): Promise<Verified> {
  const { readCleartextMessage } = await import('openpgp');
  const cleartextMessage = Buffer.from(document).toString('utf8');
  let message: CleartextMessage;
  try {
    message = await readCleartextMessage({ cleartextMessage });
  } catch (error) {
    throw unsigned(what, cleartextMessage, error);
  }
  return { text: message.getText(), signedBy: await verifiedBy(message, keys, what, now) };
}

/** Verifies a document with a detached signature (Release, Release.gpg). Errors as above. */
export async function verifyDetached(
  document: Uint8Array,
  signature: Uint8Array,
  keys: readonly PinnedKey[],
  what: string,
  now: Date,
): Promise<Verified> {
  const { createMessage, readSignature, verify } = await import('openpgp');
  const armored = Buffer.from(signature).toString('latin1');
  const message = await createMessage({ binary: document });
  let parsed;
  try {
    parsed = await (armored.includes('-----BEGIN PGP')
      ? readSignature({ armoredSignature: armored })
      : readSignature({ binarySignature: signature }));
  } catch (error) {
    throw unsigned(what, armored, error);
  }
  const verificationKeys = keys.map((pinned) => pinned.key);
  const check = { message, signature: parsed, verificationKeys, date: latest(now), config: POLICY };
  const { signatures } = await readable(what, () => verify(check as Parameters<typeof verify>[0]));
  return {
    text: Buffer.from(document).toString('utf8'),
    signedBy: await accept(signatures, keys, what),
  };
}

async function verifiedBy(
  message: CleartextMessage,
  keys: readonly PinnedKey[],
  what: string,
  now: Date,
): Promise<string> {
  const { verify } = await import('openpgp');
  const verificationKeys = keys.map((pinned) => pinned.key);
  const { signatures } = await readable(what, () =>
    verify({ message, verificationKeys, date: latest(now), config: POLICY }),
  );
  return accept(signatures, keys, what);
}

/** A signature may be so damaged, or so new, that the library cannot even begin to check it. */
async function readable<T>(what: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    throw failure('REPO122', `the signature of ${what} is not acceptable`, {
      notes: [{ message: (error as Error).message.replaceAll(/\s+/g, ' ') }],
      hint: 'the signature is damaged, or of a kind that is not known yet: use another mirror (VSEC_MIRROR_<NAME>)',
    });
  }
}

const latest = (now: Date): Date => new Date(now.getTime() + CLOCK_TOLERANCE);

type Signatures = Awaited<ReturnType<Message<string>['verify']>>;

/** The fingerprint of the first pinned key that vouches; else the most telling refusal. */
async function accept(
  signatures: Signatures,
  keys: readonly PinnedKey[],
  what: string,
): Promise<string> {
  const refusals: { readonly keyId: string; readonly known: boolean; readonly why: string }[] = [];
  for (const { keyID, verified } of signatures) {
    const pinned = keys.find(({ key }) => key.getKeys(keyID).length > 0);
    try {
      await verified;
      if (pinned) return pinned.key.getFingerprint().toUpperCase();
    } catch (error) {
      const why = (error as Error).message;
      refusals.push({ keyId: hex(keyID), known: pinned !== undefined, why });
    }
  }
  throw refusal(refusals, keys, what);
}

const hex = (id: { toHex(): string }): string => id.toHex().toUpperCase();

function refusal(
  refusals: readonly { readonly keyId: string; readonly known: boolean; readonly why: string }[],
  keys: readonly PinnedKey[],
  what: string,
): VsecError {
  const known = refusals.filter((r) => r.known);
  if (refusals.length === 0) return failure('REPO124', `${what} carries no signature`);
  if (known.length === 0) {
    return failure('REPO121', `${what} is signed by no pinned key`, {
      notes: [
        { message: `signed by ${refusals.map((r) => r.keyId).join(', ')}` },
        ...keys.map(({ key, file }) => ({
          message: `pinned: ${key.getFingerprint().toUpperCase()} (${file})`,
        })),
      ],
      hint: 'if the archive has changed its key, get the new one by a way that you trust and add it to `signed-by`; else the mirror is not what it seems',
    });
  }
  const notes = known.map((r) => ({ message: `key ${r.keyId}: ${r.why}` }));
  if (known.some((r) => /digest did not match|verification failed/i.test(r.why))) {
    return failure('REPO120', `${what} was changed after it was signed`, {
      notes,
      hint: 'the mirror, or something on the way to it, is broken or hostile: use another mirror (VSEC_MIRROR_<NAME>)',
    });
  }
  return failure('REPO122', `the signature of ${what} is not acceptable`, {
    notes,
    hint: 'an expired or revoked key, a weak digest, or a wrong clock: check the time of this machine, then for a newer key of the archive',
  });
}

function unsigned(what: string, text: string, error: unknown): VsecError {
  const html = /^\s*<(!doctype|html)/i.test(text);
  return failure('REPO124', `${what} is not a signed document`, {
    notes: [{ message: html ? 'it is a web page' : (error as Error).message }],
    hint: html
      ? 'a login page or a proxy answers in place of the mirror: open a web page first, or set http_proxy'
      : 'use another mirror (VSEC_MIRROR_<NAME>)',
  });
}
