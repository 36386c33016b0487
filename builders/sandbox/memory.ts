/** A tree in memory: nothing of it has to reach a disk, and it is gone with the sandbox. */
import { freemem } from 'node:os';
import type { Toolbox } from '../toolbox.ts';
import { mustRun } from './programs.ts';

/** Of what is free, one build takes at most this part: others may start at the same moment. */
const SHARE = 4;
/** Bytes, for what scripts write beyond what the packages hold. */
const SPARE = 256 << 20;

/**
 * Bytes that a tree whose packages take `installed` bytes may have in memory; `undefined` when it
 * should be made on disk, because memory is short or `VSEC_TREE=disk` says so. Limits of a
 * container count as memory.
 */
export function memoryFor(
  installed: number,
  env: Readonly<Record<string, string | undefined>>,
  free = process.availableMemory?.() ?? freemem(),
): number | undefined {
  if (env['VSEC_TREE'] === 'disk') return undefined;
  const wanted = installed * 1.5 + SPARE;
  return wanted <= free / SHARE ? Math.floor(free / 2) : undefined;
}

/** Makes the folder `root` one in memory, for this mount namespace alone. */
export async function mountMemory(root: string, bytes: number, toolbox: Toolbox): Promise<void> {
  const options = `mode=755,size=${bytes},nr_inodes=0`;
  const args = ['-t', 'tmpfs', '-o', options, 'tmpfs', root];
  const command = toolbox.command('mount', args);
  await mustRun('making a tree in memory', command.file, command.args, { env: command.env });
}
