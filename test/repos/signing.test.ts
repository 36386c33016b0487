/** Keys and signatures, with ssh-keygen as the judge in both directions. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fingerprint, parsePublicKey, showPublicKey } from '../../repos/signing/public-key.ts';
import { createKey, openSigner } from '../../repos/signing/signer.ts';
import { checkSignature } from '../../repos/signing/sshsig.ts';
import { installed } from '../builders/support/programs.ts';
import { diagnosticOf, scratch, testContext } from './support/context.ts';

const MESSAGE = Buffer.from('what is signed');

async function newSigner() {
  const folder = await scratch();
  const path = join(folder, 'key');
  await createKey(path);
  const ctx = await testContext();
  return { folder, path, ctx, signer: await openSigner(path, ctx) };
}

it('a signature counts for its message and no other', async () => {
  const { signer } = await newSigner();
  const signature = await signer.sign(MESSAGE);
  expect(checkSignature(signature, MESSAGE)).toEqual({ valid: true, key: signer.key.blob });
  expect(checkSignature(signature, Buffer.from('else'))).toMatchObject({
    valid: false,
    why: 'it does not fit what it signs',
  });
  expect(checkSignature('nonsense', MESSAGE)).toMatchObject({ valid: false });
  const cut = signature.replace(/\n[^\n]+\n-----END/, '\n-----END');
  expect(checkSignature(cut, MESSAGE)).toMatchObject({ valid: false });
});

it('a key is for its owner alone and is never overwritten', async () => {
  const { path } = await newSigner();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const before = readFileSync(path);
  expect(await diagnosticOf(createKey(path))).toMatchObject({ code: 'REPO222' });
  expect(readFileSync(path)).toEqual(before);
});

it('says what is no key', async () => {
  const ctx = await testContext();
  const file = join(await scratch(), 'no-key');
  expect(await diagnosticOf(openSigner(file, ctx))).toMatchObject({ code: 'REPO220', exitCode: 2 });
  writeFileSync(file, 'hello');
  writeFileSync(`${file}.pub`, 'hello');
  expect(await diagnosticOf(openSigner(file, ctx))).toMatchObject({ code: 'REPO220' });
});

describe.skipIf(!installed('ssh-keygen'))('beside ssh-keygen', () => {
  it('it accepts our keys and signatures', async () => {
    const { folder, path, signer } = await newSigner();
    const shown = execFileSync('ssh-keygen', ['-l', '-f', path], { encoding: 'utf8' });
    expect(shown).toContain(fingerprint(signer.key));
    writeFileSync(join(folder, 'signature'), await signer.sign(MESSAGE));
    writeFileSync(join(folder, 'allowed'), `site ${showPublicKey(signer.key)}\n`);
    const args = ['-Y', 'verify', '-f', 'allowed', '-I', 'site', '-n', 'vsec', '-s', 'signature'];
    const verdict = spawnSync('ssh-keygen', args, { cwd: folder, input: MESSAGE });
    expect(verdict.stderr.toString() + verdict.stdout.toString()).toContain(
      'Good "vsec" signature',
    );
    expect(spawnSync('ssh-keygen', args, { cwd: folder, input: 'else' }).status).not.toBe(0);
  });

  it.each([
    ['ed25519', []],
    ['rsa', ['-b', '2048']],
    ['ecdsa', ['-b', '256']],
    ['ecdsa', ['-b', '521']],
  ])('we accept what its %s keys %j sign', async (type, more) => {
    const folder = await scratch();
    const path = join(folder, 'id');
    const none = ['-N', '', '-C', 'me@desk', '-f', path];
    execFileSync('ssh-keygen', ['-q', '-t', type, ...more, ...none]);
    const signer = await openSigner(
      path,
      await testContext({ env: { PATH: process.env['PATH'] } }),
    );
    expect(signer.key).toEqual(parsePublicKey(readFileSync(`${path}.pub`, 'utf8')));
    const theirs = join(folder, 'message');
    writeFileSync(theirs, MESSAGE);
    execFileSync('ssh-keygen', ['-Y', 'sign', '-q', '-n', 'vsec', '-f', path, theirs]);
    for (const signature of [await signer.sign(MESSAGE), readFileSync(`${theirs}.sig`, 'utf8')])
      expect(checkSignature(signature, MESSAGE)).toEqual({ valid: true, key: signer.key.blob });
    execFileSync('ssh-keygen', ['-Y', 'sign', '-q', '-n', 'file', '-f', path, theirs], {
      input: 'y\n',
    });
    expect(checkSignature(readFileSync(`${theirs}.sig`, 'utf8'), MESSAGE)).toMatchObject({
      valid: false,
      why: "it was made for 'file', not for 'vsec'",
    });
  });

  it('says why it cannot sign', async () => {
    const folder = await scratch();
    const path = join(folder, 'id.pub');
    const { signer } = await newSigner();
    writeFileSync(path, showPublicKey(signer.key));
    const ctx = await testContext({ env: { PATH: process.env['PATH'], SSH_AUTH_SOCK: '' } });
    const without = await openSigner(path, ctx);
    expect(await diagnosticOf(without.sign(MESSAGE))).toMatchObject({ code: 'REPO221' });
    const nowhere = await openSigner(path, await testContext({ env: { PATH: folder } }));
    const refused = await diagnosticOf(nowhere.sign(MESSAGE));
    expect(refused).toMatchObject({ code: 'REPO221' });
    expect(refused.notes[0]?.message).toBe('ssh-keygen is not installed');
  });
});
