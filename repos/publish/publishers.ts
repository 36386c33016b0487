/** Whom the user trusts: which keys may sign what is published under which names. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { misuse } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { readSettings } from '../config.ts';
import { parsePublicKey, type PublicKey } from '../signing/public-key.ts';

export interface Publisher {
  /** The configured beginning of names, such as `oci://registry.example/site`. */
  readonly prefix: string;
  readonly keys: readonly PublicKey[];
  /** The configuration file that says so. */
  readonly file: string;
}

/** Of `oci://host/site`, `oci://host/site/base` is below and `oci://host/sites` is not. */
const covers = (prefix: string, name: string): boolean => {
  const start = prefix.replace(/\/+$/, '');
  return name === start || name.startsWith(`${start}/`);
};

/**
 * Who may sign what is called `name`. The longest configured prefix decides alone; of equal ones the
 * user's, before the system's.
 * @throws REPO103 (exit code 2) a configured key cannot be read
 */
export async function publisherOf(
  name: string,
  env: Context['env'],
): Promise<Publisher | undefined> {
  let best: { prefix: string; keys: readonly string[]; file: string } | undefined;
  for (const { publishers, file } of await readSettings(env))
    for (const [prefix, keys] of Object.entries(publishers ?? {}))
      if (covers(prefix, name) && (!best || prefix.length > best.prefix.length))
        best = { prefix, keys: [keys].flat(), file };
  if (!best) return undefined;
  const { prefix, file } = best;
  const keys = await Promise.all(best.keys.map((key) => readKeys(key, prefix, file)));
  return { prefix, file, keys: keys.flat() };
}

/** A key itself, or a file of them: one to a line, as in `authorized_keys`. */
async function readKeys(text: string, prefix: string, file: string): Promise<PublicKey[]> {
  const key = parsePublicKey(text);
  if (key) return [key];
  const refuse = (why: string) =>
    misuse('REPO103', `the configuration ${file} is not right`, {
      notes: [{ message: `publishers.${prefix}: ${why}` }],
      hint: "a key is a line like 'ssh-ed25519 AAAA…', or the path of a file of such lines",
    });
  if (!/^(\/|\.\.?\/)/.test(text)) throw refuse(`'${text.slice(0, 60)}' is no public key`);
  const path = resolve(dirname(file), text);
  let lines: string[];
  try {
    lines = (await readFile(path, 'utf8')).split('\n').filter((line) => /^[^#\s]/.test(line));
  } catch (error) {
    throw refuse(`${path} cannot be read: ${(error as Error).message}`);
  }
  return lines.map((line) => {
    const found = parsePublicKey(line);
    if (!found) throw refuse(`${path} has a line that is no public key`);
    return found;
  });
}
