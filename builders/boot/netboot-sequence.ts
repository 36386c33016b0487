/** What the two ways to run the netboot sequence, in QEMU and on Xen, have in common. */
import { join } from 'node:path';
import type { Accelerator } from '../backend.ts';
import { diskBytes } from '../backends/machine.ts';
import { mustRun } from '../sandbox/programs.ts';
import type { BootTest } from './attempt.ts';
import type { NetbootLog } from './netboot-log.ts';
import type { Watched } from './watch.ts';

/** Bytes of a node's disk where the machine names none. */
const DISK = 8 * 2 ** 30;

/** What the stages of one attempt share. */
export interface Sequence {
  readonly test: BootTest;
  readonly accelerator: Accelerator;
  readonly spare: boolean;
  readonly scratch: string;
  /** Of the head node, as the guest reaches it. */
  readonly server: string;
  /** Public key of the head node. */
  readonly key: string;
  readonly steps: NetbootLog;
  readonly keep: (chunk: Buffer) => void;
}

/** A disk of the node's size with nothing on it; its path. */
export async function emptyDisk({ test, scratch }: Sequence): Promise<string> {
  const { image, toolbox, ctx } = test;
  const path = join(scratch, 'node.qcow2');
  const { file, args, env } = toolbox.command('qemu-img', [
    ...['create', '-q', '-f', 'qcow2', path, String(diskBytes(image) || DISK)],
  ]);
  await mustRun("making the node's disk", file, args, { env, signal: ctx.signal });
  return path;
}

/** With the shim's own reason, where it gave one. */
export function blamed(watched: Watched, { failure }: NetbootLog): Watched {
  if (!failure || watched.ending.kind === 'up') return watched;
  return { ...watched, ending: { kind: 'trouble', trouble: failure } };
}
