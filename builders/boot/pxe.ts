/** What a machine without a disk is offered by the network when `vsec boot` starts one in QEMU. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../vse/report.ts';
import type { Firmware, PxeServer } from '../backend.ts';
import { mustRun } from '../sandbox/programs.ts';
import type { Toolbox } from '../toolbox.ts';

const GRUB = 'i386-pc';
const MODULES = ['pxe', 'net', 'http', 'linux', 'normal', 'configfile', 'echo', 'serial', 'test'];

interface Surroundings {
  readonly toolbox: Toolbox;
  readonly scratch: string;
  readonly ctx: Context;
}

/** Nothing where the kernel is started directly. `server` is the head node's address. */
export async function pxeServer(
  firmware: Firmware,
  server: string,
  surroundings: Surroundings,
): Promise<PxeServer | undefined> {
  // The ROM of QEMU's network cards is iPXE.
  if (firmware === 'ipxe') return { bootfile: `${server}/boot.ipxe` };
  if (firmware !== 'grub') return undefined;
  const tftp = join(surroundings.scratch, 'tftp');
  mkdirSync(tftp);
  await writeGrub(join(tftp, 'grub.0'), server, surroundings);
  return { tftp, bootfile: 'grub.0' };
}

/** A GRUB for PXE that goes on with the head node's script. */
async function writeGrub(
  path: string,
  server: string,
  { toolbox, scratch, ctx }: Surroundings,
): Promise<void> {
  const early = join(scratch, 'grub-early.cfg');
  const host = server.replace(/^http:\/\//, '');
  const lines = ['serial --unit=0 --speed=115200', 'terminal_output console serial'];
  writeFileSync(early, [...lines, `configfile (http,${host})/grub.cfg`, ''].join('\n'));
  const { file, args, env } = toolbox.command('grub-mkimage', [
    ...['-d', join(toolbox.root, 'usr/lib/grub', GRUB), '-O', `${GRUB}-pxe`],
    ...['-p', '/', '-c', early, '-o', path, ...MODULES],
  ]);
  await mustRun('making a GRUB that boots by the network', file, args, {
    env,
    signal: ctx.signal,
  });
}
