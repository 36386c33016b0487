/** The images of a bundle: what is made of the tree goes on beside the disk, conversions after it. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Context } from '../vse/report.ts';
import { task } from '../vse/report.ts';
import type { BundleInput } from './bundle.ts';
import type { Known } from './digest.ts';
import { formatByName } from './formats.ts';
import { writeDisk } from './image/disk.ts';
import type { Disk } from './image/disk.ts';
import { finishRecipe } from './rootfs/recipe.ts';
import { sideBySide } from '../repos/together.ts';

/** Absolute path of the image in the format `name`. */
export const imageFile = (input: BundleInput, name: string): string =>
  join(input.folder, `${input.stem}${formatByName(name).suffix}`);

export interface Heard {
  /** Called for each file as soon as it is whole, or can be followed. */
  written(path: string, known?: Known): void;
  /** Called when the raw disk is written, or will not be: this thread then waits for programs alone. */
  idle(): void;
}

/**
 * Writes every format of `input`. Returns what there is to know of the disk, where one of them is a disk.
 */
export async function writeImages(
  input: BundleInput,
  { written, idle }: Heard,
  ctx: Context,
): Promise<Disk | undefined> {
  const limit = pLimit(ctx.jobs);
  const { formats } = input;
  const isDisk = (name: string): boolean => formatByName(name).disk;
  const write = (name: string) => (signal: AbortSignal) =>
    limit(async () => {
      signal.throwIfAborted();
      const output = imageFile(input, name);
      await task(ctx.report, `format:${name}`, `Writing ${name}`, () =>
        formatByName(name).write({
          toolbox: input.toolbox,
          tar: input.rootfs.tar,
          raw: imageFile(input, 'raw'),
          rootfsDigest: input.rootfs.digest,
          output,
          epoch: input.lock.epoch,
          jobs: ctx.jobs,
          signal,
        }),
      );
      written(output);
    });
  const disks = async (signal: AbortSignal): Promise<Disk | undefined> => {
    if (!formats.some(isDisk)) {
      idle();
      return undefined;
    }
    const raw = imageFile(input, 'raw');
    const follow = (known: Known): void => {
      if (formats.includes('raw')) written(raw, known);
    };
    const disk = await limit(() => writeRaw(input, follow, { ...ctx, signal })).finally(idle);
    await sideBySide(signal, formats.filter((name) => isDisk(name) && name !== 'raw').map(write));
    if (!formats.includes('raw')) rmSync(raw);
    return disk;
  };
  const trees = formats.filter((name) => !isDisk(name)).map(write);
  const [disk] = await sideBySide(ctx.signal, [disks, ...trees] as const);
  return disk;
}

async function writeRaw(
  input: BundleInput,
  follow: (known: Known) => void,
  ctx: Context,
): Promise<Disk> {
  const scratch = join(input.folder, '.disk');
  mkdirSync(scratch);
  const disk = await task(ctx.report, 'disk', 'Making the disk image', () =>
    writeDisk(input.toolbox, imageFile(input, 'raw'), {
      tar: input.rootfs.tar,
      rootfsDigest: input.rootfs.digest,
      rootLabel: finishRecipe(input.vse).rootLabel,
      filesystem: input.vse.config.image.filesystem,
      size: input.vse.config.image.size,
      epoch: input.lock.epoch,
      scratch,
      signal: ctx.signal,
      follow,
    }),
  );
  rmSync(scratch, { recursive: true });
  return disk;
}
