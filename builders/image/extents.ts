/** Which parts of a sparse file hold anything. */
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import type { Extent } from '../digest.ts';
import { mustRun } from '../sandbox/programs.ts';
import type { Toolbox } from '../toolbox.ts';

/** What `qemu-img map --output=json` prints (qemu-img(1)); it asks by lseek(2) with SEEK_DATA. */
const map = z.array(z.object({ start: z.number(), length: z.number(), zero: z.boolean() }));

/** The extents of the raw image at `path`, one behind the other from its first byte to its last. */
export async function extentsOf(
  path: string,
  toolbox: Toolbox,
  signal: AbortSignal,
): Promise<readonly Extent[]> {
  const { file, args, env } = toolbox.command('qemu-img', [
    ...['map', '--output=json', '-f', 'raw', path],
  ]);
  const { stdout } = await mustRun('finding the holes of the image', file, args, { env, signal });
  const extents = map.parse(JSON.parse(stdout));
  const { size } = await stat(path);
  let end = 0;
  const isGapless = extents.every(({ start, length }) => start === end && (end += length) > 0);
  return isGapless && end === size ? extents : [{ start: 0, length: size, zero: false }];
}
