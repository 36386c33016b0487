/** The image that is booted, and the proof that it was not written to. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { failure } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { task } from '../../vse/report.ts';
import type { Backend, GoldenImage } from '../backend.ts';
import { disk, diskBytes } from '../backends/machine.ts';
import type { Manifest } from '../manifest.ts';
import { mustRun } from '../sandbox/programs.ts';
import type { Toolbox } from '../toolbox.ts';

export interface ImageUnderTest {
  /** Absolute path. */
  readonly path: string;
  /** Name inside the bundle. */
  readonly file: string;
  /** `raw` or `qcow2`. */
  readonly format: string;
  /** Hex, measured before the boot. */
  readonly sha256: string;
}

/** SHA-256 of a file's bytes, hex. */
export async function measure(path: string, ctx: Context): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal: ctx.signal });
  return hash.digest('hex');
}

/**
 * Picks the disk to boot, of the format that is `wanted`, and measures it. BOOT004 when the bundle holds none, BOOT005 when it is
 * missing, BOOT006 when it is no longer the one that the manifest names.
 */
export async function openImage(
  bundle: string,
  manifest: Manifest,
  image: GoldenImage,
  backend: Backend,
  ctx: Context,
  wanted?: string,
): Promise<ImageUnderTest> {
  const { file, format } = streamed(image, backend) ?? chosenDisk(image, backend, wanted);
  const path = join(bundle, file);
  if (!existsSync(path))
    throw failure('BOOT005', `${file} is not in ${bundle}`, {
      hint: 'the bundle is not whole: build it again',
    });
  const sha256 = await task(ctx.report, 'measure', `Measuring ${file}`, () => measure(path, ctx));
  const expected = manifest.artifacts.find((one) => one.file === file)?.sha256;
  if (sha256 !== expected)
    throw failure('BOOT006', `${file} is not the image that the manifest names`, {
      notes: [{ message: `SHA-256 is ${sha256}` }, { message: `manifest says ${expected}` }],
      hint: 'somebody wrote to it (run.sh --persistent does): build it again',
    });
  return { path, file, format, sha256 };
}

/** What nodes that come by the network fetch. */
function streamed(image: GoldenImage, { byNetwork, formats: [format = ''] }: Backend) {
  const stream = byNetwork && image.netboot?.streams[format];
  return stream && { file: stream.file, format };
}

function chosenDisk(image: GoldenImage, backend: Backend, wanted: string | undefined) {
  const formats = wanted === undefined ? [...backend.formats, 'qcow2', 'raw'] : [wanted];
  if (!formats.some((format) => image.disks[format] !== undefined))
    throw failure(
      'BOOT004',
      wanted === undefined
        ? `${image.stem} holds no disk image that can be booted`
        : `${image.stem} holds no ${wanted} image`,
      { hint: `build it with --backend ${backend.name}, or with --format ${formats[0]}` },
    );
  return disk(image, formats);
}

/** Makes a disk that may be written, over the image and as large as the machine's; its path. */
export async function overlay(
  under: ImageUnderTest,
  image: GoldenImage,
  toolbox: Toolbox,
  scratch: string,
  ctx: Context,
): Promise<string> {
  const path = join(scratch, 'disk.qcow2');
  const { file, args, env } = toolbox.command('qemu-img', [
    ...['create', '-q', '-f', 'qcow2', '-F', under.format, '-b', under.path],
    path,
    String(diskBytes(image)),
  ]);
  await mustRun('making the overlay over the image', file, args, { env, signal: ctx.signal });
  return path;
}
