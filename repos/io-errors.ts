/** File system errors of the cache and of outputs, told in a way that a person can act on. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failure, VsecError } from '../vse/diagnostic.ts';

const SPACE =
  "free some space ('vsec cache prune' drops what vsec kept), or use another disk: --cache-dir for the cache, -O for the results";
const FOLDER =
  'get write access to that folder, or use another: --cache-dir for the cache, -O for the results';

const KNOWN: Readonly<Record<string, readonly [code: string, why: string, hint: string]>> = {
  ENOSPC: ['REPO160', 'the disk is full', SPACE],
  EDQUOT: ['REPO160', 'the disk quota is used up', SPACE],
  EACCES: ['REPO161', 'permission denied', FOLDER],
  EPERM: ['REPO161', 'operation not permitted', FOLDER],
  EROFS: ['REPO161', 'the file system is read-only', FOLDER],
  EMFILE: ['REPO162', 'too many open files', "raise the limit with 'ulimit -n 4096'"],
  ENFILE: ['REPO162', 'too many open files on this machine', 'close other programs and try again'],
  EISDIR: ['REPO162', 'it is a folder', 'move the folder away, or choose another name'],
  ENOTDIR: ['REPO162', 'a part of the path is no folder', 'mind the path'],
  EIO: ['REPO162', 'the disk reports an input/output error', 'check the disk and the kernel log'],
};

/** The system's error code (`ENOENT`), when the error has one. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Makes a folder and those above it, as `mkdir -p`. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    // One step at a time: Node's recursive mkdir never returns where a file system refuses new
    // names with ENOENT, as /proc does, and says ENOENT on a read-only one.
    if (errorCode(error) === 'ENOENT' && dirname(path) !== path) {
      if (!(await exists(dirname(path)))) await makeFolder(dirname(path));
      await mkdir(path).catch(ignoreExisting);
    } else ignoreExisting(error);
  }
  if (!(await stat(path)).isDirectory())
    throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${path}'`), {
      code: 'ENOTDIR',
      syscall: 'mkdir',
      path,
    });
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

function ignoreExisting(error: unknown): void {
  if (errorCode(error) !== 'EEXIST') throw error;
}

/**
 * The diagnostic for a file system error: full disk (REPO160), no permission or read-only
 * (REPO161), anything else the system says about files (REPO162). Errors that are no file system
 * errors are given back as they are.
 *
 * @param doing what was being done, to follow "cannot": `write the package store`
 * @param path the file or folder, when the error itself does not name it
 */
export function ioFailure(error: unknown, doing: string, path?: string): unknown {
  if (error instanceof VsecError) return error;
  const code = errorCode(error);
  const { syscall, path: named } = (error ?? {}) as { syscall?: unknown; path?: unknown };
  if (code === undefined || syscall === undefined) return error;
  const [number, why, hint] = KNOWN[code] ?? ['REPO162', (error as Error).message, undefined];
  const where = path ?? (typeof named === 'string' ? named : undefined);
  return failure(number, `cannot ${doing}: ${why}`, {
    notes: where === undefined ? [] : [{ message: `at ${where}` }],
    hint,
  });
}

/** Runs `work`; file system errors become diagnostics. See {@link ioFailure}. */
export async function explainIo<T>(
  doing: string,
  path: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw ioFailure(error, doing, path);
  }
}
