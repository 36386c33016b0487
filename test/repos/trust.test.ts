import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as openpgp from 'openpgp';
import { beforeAll, expect, test } from 'vitest';
import { readPinnedKeys, verifyCleartext, verifyDetached } from '../../repos/trust.ts';
import { diagnosticOf, scratch, textOf } from './support/context.ts';
import { newKey, pin, signCleartext, signDetached, type SigningKey } from './support/keys.ts';

const DAY = 24 * 3600 * 1000;
const NOW = new Date();
const ago = (days: number) => new Date(NOW.getTime() - days * DAY);
const TEXT = 'Origin: Test\n- dash\nDate: today \n';

let ours: SigningKey;
let theirs: SigningKey;
beforeAll(async () => {
  [ours, theirs] = await Promise.all([newKey(), newKey()]);
});

async function pinned(...keys: readonly SigningKey[]) {
  const folder = await scratch();
  return readPinnedKeys(
    await Promise.all(keys.map((key, i) => pin(join(folder, `${i}.asc`), key))),
  );
}

const verify = async (document: string, ...keys: readonly SigningKey[]) =>
  verifyCleartext(Buffer.from(document), await pinned(...keys), 'the index', NOW);

test('one signature of a pinned key is enough, whatever stands beside it', async () => {
  const document = await signCleartext(TEXT, [theirs, ours], NOW);
  const { text, signedBy } = await verify(document, ours);
  expect(signedBy).toBe(ours.fingerprint);
  // White space at line ends is not covered by a cleartext signature, so it is not given on.
  expect(text).toBe('Origin: Test\n- dash\nDate: today\n');
});

test('only what is signed is given on', async () => {
  const document = await signCleartext('Good: yes\n', [ours], NOW);
  const { text } = await verify(`Evil: before\n${document}\nEvil: after\n`, ours);
  expect(text.trim()).toBe('Good: yes');
});

test('a changed letter is refused', async () => {
  const document = (await signCleartext(TEXT, [ours], NOW)).replace('Origin: Test', 'Origin: Fest');
  const found = await diagnosticOf(verify(document, ours));
  expect(found).toMatchObject({ code: 'REPO120', exitCode: 1 });
  expect(found.message).toBe('the index was changed after it was signed');
});

test('a stranger’s signature is refused, and both sides are named', async () => {
  const found = await diagnosticOf(verify(await signCleartext(TEXT, [theirs], NOW), ours));
  expect(found).toMatchObject({ code: 'REPO121', exitCode: 1 });
  expect(textOf(found)).toContain(theirs.fingerprint.slice(-16));
  expect(textOf(found)).toContain(ours.fingerprint);
});

test('a key that had expired when it signed is refused', async () => {
  const expired = await newKey({ created: ago(30), lifetime: 20 * 24 * 3600 });
  // Nobody can make this signature with a well-behaved program; an attacker does not need one.
  const document = await signWithExpired(expired, ago(5));
  const found = await diagnosticOf(verify(document, expired));
  expect(found).toMatchObject({ code: 'REPO122', exitCode: 1 });
  expect(textOf(found)).toMatch(/expired/i);
});

test('a key that has expired since it signed still vouches for what it signed', async () => {
  const expired = await newKey({ created: ago(30), lifetime: 20 * 24 * 3600 });
  const document = await signCleartext(TEXT, [expired], ago(15));
  expect((await verify(document, expired)).signedBy).toBe(expired.fingerprint);
});

/** The key with a revocation that says why, made `days` ago. */
async function revoke(key: SigningKey, flag: openpgp.enums.reasonForRevocation, days: number) {
  const { publicKey } = await openpgp.revokeKey({
    key: key.key,
    reasonForRevocation: { flag },
    date: ago(days),
    format: 'object',
  });
  return { ...key, armored: publicKey.armor() };
}

test.each([
  ['lost to others', openpgp.enums.reasonForRevocation.keyCompromised],
  ['revoked for no stated reason', openpgp.enums.reasonForRevocation.noReason],
])('a key that was %s vouches for nothing, whenever it signed', async (_why, reason) => {
  const key = await newKey({ created: ago(30) });
  const document = await signCleartext(TEXT, [key], ago(15));
  expect((await verify(document, key)).signedBy).toBe(key.fingerprint);
  const found = await diagnosticOf(verify(document, await revoke(key, reason, 10)));
  expect(found.code).toBe('REPO122');
  expect(textOf(found)).toMatch(/revoked/i);
});

test('a retired key vouches for what it signed before', async () => {
  const key = await newKey({ created: ago(30) });
  const retired = await revoke(key, openpgp.enums.reasonForRevocation.keySuperseded, 10);
  const before = await signCleartext(TEXT, [key], ago(15));
  expect((await verify(before, retired)).signedBy).toBe(key.fingerprint);
  const after = await signCleartext(TEXT, [key], ago(5));
  expect((await diagnosticOf(verify(after, retired))).code).toBe('REPO122');
});

test('a weak digest is refused', async () => {
  const rsa = await newKey({ type: 'rsa' });
  const { sha1, sha256 } = openpgp.enums.hash;
  const good = await signWithDigest(rsa, sha256);
  expect((await verify(good, rsa)).signedBy).toBe(rsa.fingerprint);
  const found = await diagnosticOf(verify(await signWithDigest(rsa, sha1), rsa));
  expect(found).toMatchObject({ code: 'REPO122', exitCode: 1 });
  expect(textOf(found)).toMatch(/SHA1/);
});

test('a signature from the future is refused', async () => {
  const later = new Date(NOW.getTime() + 2 * DAY);
  const found = await diagnosticOf(verify(await signCleartext(TEXT, [ours], later), ours));
  expect(found.code).toBe('REPO122');
  expect(textOf(found)).toContain('clock');
});

test.each([
  ['plain text', TEXT, 'the index is not a signed document'],
  ['a web page', '<!DOCTYPE html><html>Log in</html>', 'it is a web page'],
  ['nothing', '', 'the index is not a signed document'],
])('%s is not a signed document', async (_what, document, message) => {
  const found = await diagnosticOf(verify(document, ours));
  expect(found).toMatchObject({ code: 'REPO124', exitCode: 1 });
  expect(textOf(found)).toContain(message);
});

test('a signature that was cut off', async () => {
  const document = await signCleartext(TEXT, [ours], NOW);
  const half = document.slice(0, document.indexOf('-----BEGIN PGP SIGNATURE') + 60);
  expect((await diagnosticOf(verify(half, ours))).code).toBe('REPO124');
});

test('detached signatures: right, changed, and a stranger’s', async () => {
  const keys = await pinned(ours);
  const check = (text: string, signature: string) =>
    verifyDetached(Buffer.from(text), Buffer.from(signature), keys, 'the index', NOW);
  const signature = await signDetached(TEXT, ours, NOW);
  expect(await check(TEXT, signature)).toEqual({ text: TEXT, signedBy: ours.fingerprint });
  expect((await diagnosticOf(check(`${TEXT} `, signature))).code).toBe('REPO120');
  const strange = await signDetached(TEXT, theirs, NOW);
  expect((await diagnosticOf(check(TEXT, strange))).code).toBe('REPO121');
  expect((await diagnosticOf(check(TEXT, 'rubbish'))).code).toBe('REPO124');
});

test('key files: armoured, binary, several in one', async () => {
  const folder = await scratch();
  const [both, binary] = [join(folder, 'both.asc'), join(folder, 'one.gpg')];
  await writeFile(both, `some words\n${ours.armored}\n${theirs.armored}`);
  await writeFile(binary, ours.binary);
  const read = async (file: string) =>
    (await readPinnedKeys([file])).map(({ key }) => key.getFingerprint().toUpperCase());
  expect(await read(both)).toEqual([ours.fingerprint, theirs.fingerprint]);
  expect(await read(binary)).toEqual([ours.fingerprint]);
});

test('a missing key file, and a file that is none', async () => {
  const folder = await scratch();
  const text = join(folder, 'text.asc');
  await writeFile(text, 'no key here\n');
  for (const file of [text, join(folder, 'missing.asc')]) {
    const found = await diagnosticOf(readPinnedKeys([file]));
    expect(found).toMatchObject({ code: 'REPO123', exitCode: 2 });
    expect(found.message).toContain(file);
  }
});

/** Signs with a key whose lifetime is over at `date`: with a copy of it that does not expire. */
async function signWithExpired(key: SigningKey, date: Date): Promise<string> {
  const { privateKey } = await openpgp.reformatKey({
    privateKey: key.key,
    userIDs: [{ name: 'Test Archive', email: 'archive@mirror.example' }],
    date: ago(30),
    keyExpirationTime: 0,
    format: 'object',
  });
  return signCleartext(TEXT, [{ ...key, key: privateKey }], date);
}

/** Signs with a digest that the library itself would not choose. */
async function signWithDigest(key: SigningKey, digest: openpgp.enums.hash): Promise<string> {
  const { keyPacket } = key.key;
  const literal = Object.assign(new openpgp.LiteralDataPacket(), {
    text: TEXT.replace(/[ \t]+$/gm, '').replaceAll('\n', '\r\n'),
  });
  const packet = Object.assign(new openpgp.SignaturePacket(), {
    signatureType: openpgp.enums.signature.text,
    publicKeyAlgorithm: keyPacket.algorithm,
    hashAlgorithm: digest,
    issuerKeyID: key.key.getKeyID(),
  });
  // The types of this low-level call are not those of the library itself.
  const sign = packet.sign.bind(packet) as unknown as (...given: unknown[]) => Promise<void>;
  const config = { ...openpgp.config, nonDeterministicSignaturesViaNotation: false };
  await sign(keyPacket, literal, NOW, true, config);
  const list = new openpgp.PacketList<openpgp.SignaturePacket>();
  list.push(packet);
  const signature = new openpgp.Signature(list);
  const Cleartext = openpgp.CleartextMessage as unknown as new (
    text: string,
    signature: openpgp.Signature,
  ) => openpgp.CleartextMessage;
  return new Cleartext(TEXT, signature).armor();
}
