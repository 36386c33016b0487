/** Decompressors for package members: the toolbox's programs, or libraries to set it up. */
import { spawn } from 'node:child_process';
import { PassThrough, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { unxz } from '../../repos/xz.ts';
import { failure } from '../../vse/diagnostic.ts';
import type { Toolbox } from '../toolbox.ts';
import type { Decompress } from './archive.ts';

function plain(input: Readable, suffix: string): Readable | undefined {
  if (suffix === '') return input;
  if (suffix === '.gz') return input.pipe(createGunzip());
  return undefined;
}

const unknown = (suffix: string) =>
  failure('BUILD103', `packages compressed as ${suffix.slice(1)} are not supported`, {
    hint: 'pin another version of the package',
  });

/** Decompresses with the toolbox's `xz` and `zstd`. */
export function decompressWith(toolbox: Toolbox): Decompress {
  return (input, suffix) => {
    const direct = plain(input, suffix);
    if (direct) return direct;
    if (suffix !== '.xz' && suffix !== '.zst') throw unknown(suffix);
    const { file, args, env } = toolbox.command(suffix === '.xz' ? 'xz' : 'zstd', [
      ...(suffix === '.xz' ? ['-T1', '-dcq'] : ['-dcq']),
    ]);
    const child = spawn(file, [...args], { env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const output = new PassThrough({ highWaterMark: 1 << 20 });
    let complaint = '';
    child.stderr.on('data', (part: Buffer) => (complaint += part.toString()));
    child.stdin.on('error', () => undefined);
    input.pipe(child.stdin);
    child.stdout.pipe(output, { end: false });
    child.on('error', (e) => output.destroy(e));
    child.on('close', (code) => {
      if (code === 0) output.end();
      else output.destroy(new Error(complaint.trim() || `${suffix} data is damaged`));
    });
    output.on('close', () => child.kill('SIGKILL'));
    return output;
  };
}

/**
 * Decompresses `.xz` in this process: for the first packages of a toolbox, and for what is so small
 * that starting a program takes longer. The rest is left to `others`.
 */
export const decompressHere =
  (others?: Decompress): Decompress =>
  (input, suffix) => {
    const direct = plain(input, suffix);
    if (direct) return direct;
    if (suffix === '.xz') return Readable.from(unxz(input));
    if (others) return others(input, suffix);
    throw unknown(suffix);
  };
