/** The lock as a document: written so that its differences can be read, checked when it is read. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { failure, misuse } from '../vse/diagnostic.ts';
import { errorCode, explainIo } from './io-errors.ts';
import { lockSchema } from './lock-schema.ts';
import { LOCK_FORMAT, type Lock, type LockFile } from './lock.ts';
import { replaceFile } from './replace-file.ts';

const MAX_PROBLEMS = 10;
const BROKEN = 'the repository is broken; exclude the package or tell its maintainers';
const REMAKE = "remove it, and make it anew with 'vsec lock'; or take an earlier one";

/**
 * @param path as shown to people
 * @throws SOLV130 no JSON, SOLV131 another format number, SOLV132 malformed (exit code 2)
 */
export function parseLock(text: string, path: string): LockFile {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    const merging = /^<{7} /m.test(text);
    const why = merging ? 'it has conflicts of a merge in it' : (cause as Error).message;
    throw misuse('SOLV130', `the lock ${path} is no JSON: ${why}`, {
      hint: merging ? "take either side of it, then bring it up to date with 'vsec lock'" : REMAKE,
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

/** Documents that were found right, with their keys in order, and serve again. */
const inOrder = new WeakSet<object>();

function checked(document: unknown, message: string, hint: string): LockFile {
  if (typeof document === 'object' && document && inOrder.has(document)) {
    return document as LockFile;
  }
  const parsed = lockSchema.safeParse(document);
  if (parsed.success) {
    inOrder.add(parsed.data);
    return parsed.data as LockFile;
  }
  const notes = parsed.error.issues
    .slice(0, MAX_PROBLEMS)
    .map(({ path, message: what }) => ({ message: `${path.join('.')}: ${what}` }));
  throw misuse('SOLV132', message, { notes, hint });
}

/** @throws SOLV133 there is none (exit code 1), and as `parseLock` */
export async function readLock(path: string): Promise<LockFile> {
  try {
    return parseLock(await readFile(path, 'utf8'), path);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT')
      throw failure('SOLV133', `there is no lock ${path}`, { hint: "make it with 'vsec lock'" });
    return explainIo('read the lock', path, () => Promise.reject(cause as Error));
  }
}

/** At once or not at all. */
export async function writeLock(path: string, lock: LockFile): Promise<void> {
  await replaceFile(path, serialiseLock(lock), 'write the lock');
}

/**
 * JSON with its keys in a fixed order and each package, index and stage on a line of its own.
 * @throws SOLV132 a repository states something that no lock may hold, such as a hostile path
 */
export function serialiseLock(lock: LockFile): string {
  const ordered = checked(lock, 'a repository states what no lock may hold', BROKEN);
  return `${block(ordered, '')}\n`;
}

const digests = new WeakMap<Lock, string>();

/** Of the serialised lock, hex: what a manifest records as `lock.sha256`. */
export function lockSha256(lock: Lock): string {
  const known = digests.get(lock);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(serialiseLock(lock)).digest('hex');
  digests.set(lock, digest);
  return digest;
}

export const lockEquals = (a: LockFile, b: LockFile): boolean =>
  serialiseLock(a) === serialiseLock(b);

/**
 * Objects and lists in lines; what lies two levels deep, and lists' entries, in one line each.
 * Other architectures are written as the first one is.
 */
function block(value: unknown, indent: string): string {
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    const entries = value.map((entry: unknown) =>
      isResolution(entry) ? `${deeper}${block(entry, deeper)}` : `${deeper}${line(entry)}`,
    );
    return `[\n${entries.join(',\n')}\n${indent}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, entry]) => {
    const nested = Array.isArray(entry) || key === 'toolbox';
    return `${deeper}${JSON.stringify(key)}: ${nested ? block(entry, deeper) : line(entry)}`;
  });
  return `{\n${entries.join(',\n')}\n${indent}}`;
}

const isResolution = (entry: unknown): boolean =>
  typeof entry === 'object' && entry !== null && 'packages' in entry;

/** One line of JSON with a space after each colon and comma. */
function line(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(line).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, v]) => `${JSON.stringify(key)}: ${line(v)}`);
  return `{ ${entries.join(', ')} }`;
}
