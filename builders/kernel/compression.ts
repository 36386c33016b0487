/** Telling compressions by their first bytes, and undoing them with the toolbox. */
import { spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Toolbox } from '../toolbox.ts';

const MAGIC: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['lz4', [0x02, 0x21, 0x4c, 0x18]],
  ['lzma', [0x5d, 0x00, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['lzo', [0x89, 0x4c, 0x5a, 0x4f]],
];

/** The compression that `bytes` begin with, or `undefined`. */
export const compressionOf = (bytes: Buffer): string | undefined =>
  MAGIC.find(([, magic]) => magic.every((byte, at) => bytes[at] === byte))?.[0];

/** A kernel of 60 MB and an initrd of 200 MB are usual. */
const MOST = 2 ** 30;

const PROGRAMS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  xz: ['xz', '-dc', '--single-stream'],
  lzma: ['xz', '-dc', '--format=lzma'],
  zstd: ['zstd', '-dcq'],
};

/** `undefined` for what is damaged, or compressed in a way that the toolbox does not know. */
export async function decompress(
  compression: string,
  bytes: Buffer,
  toolbox: Toolbox,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  if (compression === 'none') return bytes;
  if (compression === 'gzip') {
    try {
      return gunzipSync(bytes);
    } catch {
      return undefined;
    }
  }
  const [program, ...options] = PROGRAMS[compression] ?? [];
  if (program === undefined) return undefined;
  const { file, args, env } = toolbox.command(program, options);
  const output = nameless();
  try {
    const done = await new Promise<boolean>((resolve) => {
      const stdio = ['pipe', output, 'ignore'] as const;
      const child = spawn(file, [...args], { env: { ...env }, stdio: [...stdio], signal });
      child.on('error', () => resolve(false));
      child.on('close', (code) => resolve(code === 0));
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(bytes);
    });
    signal.throwIfAborted();
    if (!done || fstatSync(output).size > MOST) return undefined;
    // Opened anew: the program moved on in the file that it shares with us.
    return readFileSync(`/proc/self/fd/${output}`);
  } finally {
    closeSync(output);
  }
}

/** A file without a name: what comes through a pipe would be in memory twice, in parts and whole. */
function nameless(): number {
  const folder = mkdtempSync(join(tmpdir(), 'vsec-plain-'));
  try {
    return openSync(join(folder, 'plain'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
