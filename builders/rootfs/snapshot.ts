/** A tree as one canonical tar: what is digested, cached, and what images are made of. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { failure } from '../../vse/diagnostic.ts';
import { mustRun } from '../sandbox/programs.ts';
import type { Toolbox } from '../toolbox.ts';

/** The command that writes the canonical tar, to standard output unless `to` names a file. */
const writing = (toolbox: Toolbox, root: string, epoch: number, to = '-') =>
  toolbox.command('tar', [
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
    `--file=${to}`,
    `--directory=${root}`,
    '.',
  ]);

/** As `saveTree`, for whom the digest can wait; a tar that could not be written is gone. */
export async function copyTree(
  toolbox: Toolbox,
  root: string,
  path: string,
  epoch: number,
): Promise<void> {
  const { file, args, env } = writing(toolbox, root, epoch, path);
  try {
    await mustRun('keeping a stage', file, args, { env });
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
  const { file, args, env } = writing(toolbox, root, epoch);
  const child = spawn(file, [...args], { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (part: Buffer) => (complaint += part.toString()));
  const closed = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)));
  const hash = createHash('sha256');
  const partial = join(scratch, 'tree.part');
  try {
    await pipeline(
      child.stdout,
      new Transform({
        transform(part: Buffer, _encoding, done) {
          hash.update(part);
          done(null, part);
        },
      }),
      createWriteStream(partial, { highWaterMark: 1 << 20 }),
    );
    if ((await closed) !== 0)
      throw failure('BUILD131', 'reading the tree failed', {
        notes: complaint
          .trim()
          .split('\n')
          .map((message) => ({ message })),
      });
    renameSync(partial, path);
  } catch (e) {
    rmSync(partial, { force: true });
    throw e;
  }
  return hash.digest('hex');
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
