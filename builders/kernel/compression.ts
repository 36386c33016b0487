/** Telling compressions by their first bytes, and undoing them with the toolbox. */
import { execFile } from 'node:child_process';
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
  const plain = await new Promise<Buffer | undefined>((resolve) => {
    const settings = { env: { ...env }, encoding: 'buffer', maxBuffer: MOST, signal } as const;
    const child = execFile(file, [...args], settings, (problem, stdout) =>
      resolve(problem ? undefined : stdout),
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(bytes);
  });
  signal.throwIfAborted();
  return plain;
}
