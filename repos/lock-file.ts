/** The lock as a document: written so that its differences can be read, checked when it is read. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { failure, misuse } from '../vse/diagnostic.ts';
import { errorCode, explainIo } from './io-errors.ts';
import { LOCK_FORMAT, type Lock } from './lock.ts';
import { writeAtomically } from './partial-file.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256 in hex');
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'is no digest (sha256:…)');
const bytes = z.number().int().nonnegative();
const filename = z
  .string()
  .min(1)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), {
    message: 'leads out of the repository',
  })
  .refine((path) => !/[\0\n\\]/.test(path), { message: 'has characters that no file name has' });
const packageName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9+._-]*$/, 'is no package name');

const lockedPackage = z.object({
  name: packageName,
  version: z.string().regex(/^[A-Za-z0-9.+~:-]+$/, 'is no version'),
  architecture: z.string().regex(/^[a-z0-9-]+$/, 'is no architecture'),
  stage: z.number().int().nonnegative(),
  reason: z.string(),
  repository: z.string(),
  size: bytes,
  installedSize: bytes,
  sha256,
  filename,
  source: z.string().optional(),
  essential: z.literal(true).optional(),
  states: z.record(z.string(), z.string().regex(/^[^\n]*$/, 'has several lines')).optional(),
});

const lockedRepository = z.object({
  name: z.string(),
  type: z.string(),
  mirror: z.string().optional(),
  uri: z.string().optional(),
  snapshot: z.string().optional(),
  dates: z.array(z.iso.datetime()).optional(),
});

const lockedIndex = z.object({
  repository: z.string(),
  suite: z.string(),
  sha256,
  date: z.iso.datetime(),
  signedBy: z.string().optional(),
});

const lockedBase = z.object({
  reference: z.string(),
  digest,
  version: z.string(),
  signedBy: z.string().optional(),
});

const lockedOption = z.object({
  path: z.string(),
  digest: z.string().regex(/^[0-9a-f]{16}$/, 'is no digest (16 hex digits)'),
  value: z.json().optional(),
  by: z
    .object({
      layer: z.string(),
      verb: z.enum(['add', 'override', 'remove', 'exclude', 'protect']),
      file: z.string(),
      line: z.number().int().positive(),
    })
    .optional(),
});

/** The order of the keys is the order in which they are written. */
const lockSchema = z
  .object({
    vsecLock: z.literal(LOCK_FORMAT),
    vse: z.object({ name: z.string(), version: z.string(), digest }),
    distribution: z.object({ id: z.string(), release: z.string(), architecture: z.string() }),
    bases: z.array(lockedBase).optional(),
    stages: z.array(z.object({ layers: z.array(z.string()) })),
    repositories: z.array(lockedRepository),
    indexes: z.array(lockedIndex),
    epoch: z.number().int().nonnegative(),
    insecure: z.literal(true).optional(),
    packages: z.array(lockedPackage),
    toolbox: z.object({
      digest,
      definition: digest.optional(),
      repositories: z.array(lockedRepository),
      packages: z.array(lockedPackage),
    }),
    options: z.array(lockedOption).optional(),
  })
  .superRefine((lock, ctx) => {
    const known = new Set(lock.repositories.map(({ name }) => name));
    const problem = (at: number, field: string, message: string) =>
      ctx.addIssue({ code: 'custom', path: ['packages', at, field], message });
    lock.packages.forEach(({ stage, repository }, at) => {
      if (stage >= lock.stages.length) problem(at, 'stage', 'is beyond the last stage');
      if (!known.has(repository)) problem(at, 'repository', `'${repository}' is not in the lock`);
    });
  });

const MAX_PROBLEMS = 10;
const BROKEN = 'the repository is broken; exclude the package or tell its maintainers';
const REMAKE = "make it anew with 'vsec lock'";

/**
 * @param path as shown to people
 * @throws SOLV130 no JSON, SOLV131 another format number, SOLV132 malformed (exit code 2)
 */
export function parseLock(text: string, path: string): Lock {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw misuse('SOLV130', `the lock ${path} is no JSON: ${(cause as Error).message}`, {
      hint: REMAKE,
    });
  }
  const format = (document as { vsecLock?: unknown } | null)?.vsecLock;
  if (format !== LOCK_FORMAT) {
    const found = format === undefined ? 'does not say its format' : `has format ${String(format)}`;
    throw misuse('SOLV131', `the lock ${path} ${found}; this vsec reads ${LOCK_FORMAT}`, {
      hint: typeof format === 'number' && format > LOCK_FORMAT ? 'use a newer vsec' : REMAKE,
    });
  }
  return checked(document, `the lock ${path} is malformed`, REMAKE);
}

function checked(document: unknown, message: string, hint: string): Lock {
  const parsed = lockSchema.safeParse(document);
  if (parsed.success) return parsed.data as Lock;
  const notes = parsed.error.issues
    .slice(0, MAX_PROBLEMS)
    .map(({ path, message: what }) => ({ message: `${path.join('.')}: ${what}` }));
  throw misuse('SOLV132', message, { notes, hint });
}

/** @throws SOLV133 there is none (exit code 1), and as `parseLock` */
export async function readLock(path: string): Promise<Lock> {
  try {
    return parseLock(await readFile(path, 'utf8'), path);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT')
      throw failure('SOLV133', `there is no lock ${path}`, { hint: "make it with 'vsec lock'" });
    return explainIo('read the lock', path, () => Promise.reject(cause as Error));
  }
}

/** At once or not at all. */
export async function writeLock(path: string, lock: Lock): Promise<void> {
  await writeAtomically(path, serialiseLock(lock), 'write the lock');
}

/**
 * JSON with its keys in a fixed order and each package, index and stage on a line of its own.
 * @throws SOLV132 a repository states something that no lock may hold, such as a hostile path
 */
export function serialiseLock(lock: Lock): string {
  const ordered = checked(lock, 'a repository states what no lock may hold', BROKEN);
  return `${block(ordered, '')}\n`;
}

/** Of the serialised lock, hex: what a manifest records as `lock.sha256`. */
export const lockSha256 = (lock: Lock): string =>
  createHash('sha256').update(serialiseLock(lock)).digest('hex');

export const lockEquals = (a: Lock, b: Lock): boolean => serialiseLock(a) === serialiseLock(b);

/** Objects and lists in lines; what lies two levels deep, and lists' entries, in one line each. */
function block(value: unknown, indent: string): string {
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    const entries = value.map((entry) => `${deeper}${line(entry)}`);
    return `[\n${entries.join(',\n')}\n${indent}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, entry]) => {
    const nested = Array.isArray(entry) || key === 'toolbox';
    return `${deeper}${JSON.stringify(key)}: ${nested ? block(entry, deeper) : line(entry)}`;
  });
  return `{\n${entries.join(',\n')}\n${indent}}`;
}

/** One line of JSON with a space after each colon and comma. */
function line(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(line).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, v]) => `${JSON.stringify(key)}: ${line(v)}`);
  return `{ ${entries.join(', ')} }`;
}
