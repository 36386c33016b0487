/** What shells complete and only a look at this moment can tell. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { knownPackageNames } from '../repos/known-names.ts';
import { misuse } from '../vse/diagnostic.ts';
import { knownBases } from '../vse/locate.ts';
import type { Session } from './session.ts';

export const WORDS = ['environment', 'base', 'package'] as const;

/** So many that a shell shows them without asking. */
const MOST = 200;

/** @throws CLI004 */
export async function completionWords(
  kind: string,
  prefix: string,
  session: Session,
): Promise<readonly string[]> {
  const begins = (word: string): boolean => word.startsWith(prefix);
  const cwd = process.cwd();
  const bases = () => knownBases(cwd, { cwd, env: session.context.env }).filter(begins);
  switch (kind) {
    case 'base':
      return bases();
    case 'environment':
      return [...environments(prefix), ...bases().filter((name) => !isFile(name))];
    case 'package':
      // Nobody reads all sixty thousand.
      if (prefix === '') return [];
      return (await knownPackageNames(prefix, session.context)).slice(0, MOST);
    default:
      throw misuse('CLI004', `There are no words of the kind '${kind}'`, {
        hint: `Choose one of ${WORDS.join(', ')}.`,
      });
  }
}

const isFile = (name: string): boolean =>
  environments('').some((file) => file.replace(/\.ya?ml$/, '') === name);

/** Layers in the folder that has been typed, told from other YAML by their first key. */
function environments(prefix: string): readonly string[] {
  const folder = prefix.includes('/') ? dirname(`${prefix}x`) : '';
  try {
    return readdirSync(folder || '.')
      .filter((name) => /\.ya?ml$/.test(name))
      .map((name) => (folder === '' ? name : join(folder, name)))
      .filter((path) => path.startsWith(prefix) && isLayer(path));
  } catch {
    return [];
  }
}

function isLayer(path: string): boolean {
  try {
    return /^vse:/m.test(readFileSync(path, 'utf8').slice(0, 65536));
  } catch {
    return false;
  }
}
