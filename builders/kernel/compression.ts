/** Telling compressions by their first bytes, and undoing them with the toolbox. */
import { spawn } from 'node:child_process';
import { closeSync, createWriteStream, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Toolbox } from '../toolbox.ts';
import { FileBytes } from './bytes.ts';
import type { Bytes } from './bytes.ts';

const MAGIC: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['lz4', [0x02, 0x21, 0x4c, 0x18]],
  ['lzma', [0x5d, 0x00, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['lzo', [0x89, 0x4c, 0x5a, 0x4f]],
];

/** How many bytes tell. */
export const MOST_MAGIC = 6;

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

/**
 * What `input` holds, which the caller has to close; `undefined` for what is damaged, or compressed
 * in a way that the toolbox does not know.
 */
export async function decompress(
  compression: string,
  input: Readable,
  toolbox: Toolbox,
  signal: AbortSignal,
): Promise<Bytes | undefined> {
  const [program, ...options] = PROGRAMS[compression] ?? [];
  if (program === undefined && compression !== 'gzip') return undefined;
  const output = nameless();
  try {
    const done =
      program === undefined
        ? await gunzip(input, output, signal)
        : await pipe(input, output, toolbox.command(program, options), signal);
    signal.throwIfAborted();
    if (done && fstatSync(output).size <= MOST) return new FileBytes(openAgain(output));
    return undefined;
  } finally {
    closeSync(output);
  }
}

/** Opened anew: whoever wrote moved on in the file that is shared with us. */
const openAgain = (fd: number): number => openSync(`/proc/self/fd/${fd}`, 'r');

/** Without an error that stands for damage; whether it went well. */
async function gunzip(input: Readable, output: number, signal: AbortSignal): Promise<boolean> {
  const sink = createWriteStream(`/proc/self/fd/${output}`);
  return pipeline(input, createGunzip(), sink, { signal }).then(
    () => true,
    () => false,
  );
}

function pipe(
  input: Readable,
  output: number,
  { file, args, env }: ReturnType<Toolbox['command']>,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const stdio = ['pipe', output, 'ignore'] as const;
    const child = spawn(file, [...args], { env: { ...env }, stdio: [...stdio], signal });
    child.on('error', () => resolve(false));
    child.on('close', (code) => {
      input.destroy();
      resolve(code === 0);
    });
    child.stdin?.on('error', () => undefined);
    if (child.stdin) input.on('error', () => child.kill()).pipe(child.stdin);
  });
}

/** A file without a name: memory need not hold what comes of it. */
function nameless(): number {
  const folder = mkdtempSync(join(tmpdir(), 'vsec-plain-'));
  try {
    return openSync(join(folder, 'plain'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
