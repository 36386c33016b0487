/** A tree as one canonical tar: what is digested, cached, and what images are made of. */
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileDigest } from '../digest.ts';
import { Frontier } from '../frontier.ts';
import { mustRun } from '../sandbox/programs.ts';
import type { Toolbox } from '../toolbox.ts';

/** How often it is looked how far a tar has got. */
const WATCH_MS = 10;

/** Writes the canonical tar of the tree at `root` to `path`. */
async function writeTree(
  toolbox: Toolbox,
  root: string,
  path: string,
  epoch: number,
  what: string,
): Promise<void> {
  const { file, args, env } = toolbox.command('tar', [
    '--create',
    '--sort=name',
    '--format=posix',
    '--numeric-owner',
    '--xattrs',
    '--xattrs-include=security.capability',
    '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
    `--mtime=@${epoch}`,
    '--clamp-mtime',
    '--blocking-factor=512',
    `--file=${path}`,
    `--directory=${root}`,
    '.',
  ]);
  await mustRun(what, file, args, { env });
}

/** As `saveTree`, for whom the digest can wait; a tar that could not be written is gone. */
export async function copyTree(
  toolbox: Toolbox,
  root: string,
  path: string,
  epoch: number,
): Promise<void> {
  try {
    await writeTree(toolbox, root, path, epoch, 'keeping a stage');
  } catch (e) {
    rmSync(path, { force: true });
    throw e;
  }
}

/**
 * Writes the tree at `root` as a tar to `path` (whole or not at all) and returns its SHA-256 in
 * hex. Entries are sorted; times later than `epoch` (seconds) become `epoch`; owners are numeric;
 * capabilities are kept (pax format, POSIX.1-2001). `scratch`: a folder of this run alone, on the
 * same file system.
 */
export async function saveTree(
  toolbox: Toolbox,
  root: string,
  path: string,
  epoch: number,
  scratch: string,
): Promise<string> {
  const partial = join(scratch, 'tree.part');
  writeFileSync(partial, '', { flag: 'wx' });
  const frontier = new Frontier();
  const stop = new AbortController();
  // tar appends: what is there stays as it is.
  const watch = setInterval(() => frontier.advance(statSync(partial).size), WATCH_MS);
  try {
    const digest = fileDigest(partial, stop.signal, { frontier });
    digest.catch(() => undefined);
    await writeTree(toolbox, root, partial, epoch, 'reading the tree');
    clearInterval(watch);
    frontier.close(statSync(partial).size);
    const sha256 = await digest;
    renameSync(partial, path);
    return sha256;
  } catch (e) {
    rmSync(partial, { force: true });
    throw e;
  } finally {
    clearInterval(watch);
    stop.abort();
  }
}

/** Fills `root` from a tar that `saveTree` wrote. */
export async function restoreTree(toolbox: Toolbox, tar: string, root: string): Promise<void> {
  const { file, args, env } = toolbox.command('tar', [
    '--extract',
    '--numeric-owner',
    '--same-permissions',
    '--same-owner',
    '--xattrs',
    '--xattrs-include=*',
    '--keep-directory-symlink',
    `--directory=${root}`,
    `--file=${tar}`,
  ]);
  await mustRun('restoring a cached stage', file, args, { env });
}
