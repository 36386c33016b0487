/** Glue that could not be run, shown to a program of its hypervisor's own that reads it. */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../vse/report.ts';

const JUDGE = 'virt-xml-validate';

/**
 * Whether libvirt's schema takes every domain in `folder`: the judge's name when it does,
 * `undefined` when it does not, when there is no domain, or when this host lacks the judge.
 */
export async function acceptedBy(folder: string, ctx: Context): Promise<string | undefined> {
  const domains = domainsIn(folder);
  if (domains.length === 0) return undefined;
  for (const file of domains) if (!(await isValid(file, ctx))) return undefined;
  return JUDGE;
}

function domainsIn(folder: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.xml'))
    .map((name) => join(folder, name))
    .filter((file) => readFileSync(file, 'utf8').includes('<domain '));
}

const isValid = (file: string, { env, signal }: Context): Promise<boolean> =>
  new Promise((resolve) => {
    execFile(JUDGE, [file, 'domain'], { env: { PATH: env['PATH'] ?? '' }, signal }, (problem) =>
      resolve(problem === null),
    );
  });
