/** Signing with a key file: vsec's own or one of ssh's, also one that an agent or a token holds. */
import { spawn } from 'node:child_process';
import { sign } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { failure, misuse } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { errorCode, explainIo } from '../io-errors.ts';
import { newKeyPair, readKeyPair } from './private-key.ts';
import { parsePublicKey, type PublicKey } from './public-key.ts';
import { NAMESPACE, signWith } from './sshsig.ts';

export interface Signer {
  readonly key: PublicKey;
  /** The armored signature of `message`. @throws REPO221 */
  sign(message: Uint8Array): Promise<string>;
  /** The signature alone, in no format; only of Ed25519 keys that can be read here. */
  signBare?(message: Uint8Array): Buffer;
}

const HOW = "make one with 'vsec key --new', or name one of ssh's: --key ~/.ssh/id_ed25519";

/** Where vsec's own key lies, unless `VSEC_SIGNING_KEY` names another. */
export function defaultKeyFile(env: Context['env']): string {
  const home = env['XDG_CONFIG_HOME'] || join(env['HOME'] ?? '.', '.config');
  return env['VSEC_SIGNING_KEY'] || join(home, 'vsec', 'signing-key');
}

/** Makes a key at `path`, and its public half at `path`.pub. @throws REPO222 when one is there */
export async function createKey(path: string): Promise<PublicKey> {
  const { pair, text } = newKeyPair(`${userInfo().username}@${hostname()}`);
  await explainIo('write the signing key', path, async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      throw failure('REPO222', `there is a key ${path} already`, {
        hint: 'it was not touched; what it signed is known by it, so keep it',
      });
    }
    const { type, blob, comment } = pair.public;
    await writeFile(`${path}.pub`, `${type} ${blob.toString('base64')} ${comment}\n`);
  });
  return pair.public;
}

/**
 * @param path a private key; or a public one, whose private half an ssh agent holds
 * @throws REPO220 (exit code 2) no such key
 */
export async function openSigner(
  path: string,
  ctx: Pick<Context, 'signal' | 'env'>,
): Promise<Signer> {
  const text = await readKey(path);
  const pair = readKeyPair(text);
  if (pair)
    return {
      key: pair.public,
      sign: (message) => Promise.resolve(signWith(pair, message)),
      signBare: (message) => sign(null, message, pair.private),
    };
  const key = parsePublicKey(text) ?? parsePublicKey(await readKey(`${path}.pub`));
  if (!key) throw misuse('REPO220', `${path} is no key that ssh knows`, { hint: HOW });
  return { key, sign: (message) => sshKeygen(path, message, ctx) };
}

async function readKey(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const why = errorCode(error) === 'ENOENT' ? 'there is no such file' : (error as Error).message;
    throw misuse('REPO220', `the signing key ${path} cannot be read: ${why}`, { hint: HOW });
  }
}

/** For keys with a passphrase, which it asks for at the terminal, and for those of agents. */
async function sshKeygen(
  path: string,
  message: Uint8Array,
  { signal, env }: Pick<Context, 'signal' | 'env'>,
): Promise<string> {
  const child = spawn('ssh-keygen', ['-Y', 'sign', '-q', '-n', NAMESPACE, '-f', path], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env,
    signal,
  });
  let [signature, complaint] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (signature += text.toString()));
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  child.stdin.on('error', () => {}).end(message);
  const code = await new Promise<number | null | Error>((done) => {
    child.on('error', done).on('close', done);
  });
  signal.throwIfAborted();
  if (code === 0) return signature;
  const missing = code instanceof Error;
  throw failure('REPO221', `cannot sign with ${path}`, {
    notes: [{ message: missing ? 'ssh-keygen is not installed' : complaint.trim() }],
    hint: missing ? "install openssh-client, or make a key with 'vsec key --new'" : HOW,
  });
}
