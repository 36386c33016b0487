/** The user's and the system's vsec configuration, as far as repositories are concerned. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { misuse } from '../vse/diagnostic.ts';
import type { Context } from '../vse/report.ts';
import { errorCode } from './io-errors.ts';

const text = z.string().min(1);
const schema = z.object({
  /** Logical mirror name → one address or several, best first. */
  mirrors: z.record(z.string(), z.union([text, z.array(text)])).optional(),
  /** Logical mirror name → address of a snapshot archive, with `{timestamp}` in it. */
  snapshots: z.record(z.string(), text).optional(),
  /** Beginning of a published name → keys that may sign there: ssh public keys, or files of them. */
  publishers: z.record(z.string(), z.union([text, z.array(text)])).optional(),
});

export interface RepositorySettings extends z.infer<typeof schema> {
  readonly file: string;
}

/** Where configuration is looked for, the user's before the system's. */
export function configFiles(env: Context['env']): string[] {
  const home = env['XDG_CONFIG_HOME'] ?? (env['HOME'] && join(env['HOME'], '.config'));
  const system = (env['XDG_CONFIG_DIRS'] ?? '/etc/xdg').split(':').filter((dir) => dir !== '');
  const folders = [...(home ? [home] : []), ...system].map((dir) => join(dir, 'vsec'));
  return [...folders, '/etc/vsec'].map((dir) => join(dir, 'config.yaml'));
}

/** The configuration files that exist, the user's first. @throws REPO103 (exit code 2) */
export async function readSettings(env: Context['env']): Promise<RepositorySettings[]> {
  const found: RepositorySettings[] = [];
  for (const file of configFiles(env)) {
    let source: string;
    try {
      source = await readFile(file, 'utf8');
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) continue;
      throw misuse('REPO103', `cannot read the configuration ${file}`, {
        notes: [{ message: (error as Error).message }],
      });
    }
    found.push({ ...parseSettings(source, file), file });
  }
  return found;
}

function parseSettings(source: string, file: string): z.infer<typeof schema> {
  const hint = 'expected shape: `mirrors: {debian: [http://mirror.example/debian]}`';
  try {
    const result = schema.safeParse(parse(source) ?? {});
    if (result.success) return result.data;
    const notes = result.error.issues.map((issue) => ({
      message: `${issue.path.join('.') || 'document'}: ${issue.message}`,
    }));
    throw misuse('REPO103', `the configuration ${file} is not right`, { notes, hint });
  } catch (error) {
    if ((error as Error).name !== 'YAMLParseError') throw error;
    throw misuse('REPO103', `the configuration ${file} is not YAML`, {
      notes: [{ message: (error as Error).message }],
      hint,
    });
  }
}
