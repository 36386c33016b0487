/** The formats an image comes in; each is made of the canonical tar or of the raw disk. */
import { constants, createReadStream } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { closest, distance } from 'fastest-levenshtein';
import { misuse } from '../vse/diagnostic.ts';
import { tarEntries } from './image/tar-entries.ts';
import { fixContentId } from './image/vmdk.ts';
import { mustRun } from './sandbox/programs.ts';
import type { Toolbox } from './toolbox.ts';

export interface FormatInput {
  readonly toolbox: Toolbox;
  /** Absolute path of the canonical tar. */
  readonly tar: string;
  /** Absolute path of the raw disk; present for formats that need it. */
  readonly raw: string;
  /** `sha256:…` of the tree: what identifiers in the output follow from. */
  readonly rootfsDigest: string;
  /** Absolute path to write. */
  readonly output: string;
  /** Seconds since 1970. */
  readonly epoch: number;
  readonly jobs: number;
  readonly signal: AbortSignal;
}

interface ImageFormat {
  readonly suffix: string;
  /** Is it a virtual disk that boots? */
  readonly disk: boolean;
  write(input: FormatInput): Promise<void>;
}

/** `qemu-img convert` with one coroutine, so that clusters come in the order of the disk. */
async function convert(input: FormatInput, format: string, options: string): Promise<void> {
  const { file, args, env } = input.toolbox.command('qemu-img', [
    ...['convert', '-f', 'raw', '-O', format, '-m', '1', '-o', options],
    input.raw,
    input.output,
  ]);
  await mustRun(`writing the ${format} image`, file, args, { env, signal: input.signal });
}

/** Feeds the canonical tar to a program of the toolbox. */
async function feed(
  input: FormatInput,
  program: string,
  options: readonly string[],
): Promise<void> {
  const { file, args, env } = input.toolbox.command(program, options);
  await mustRun(`writing the image with ${program}`, file, args, {
    env: { ...env, SOURCE_DATE_EPOCH: String(input.epoch) },
    input: createReadStream(input.tar, { highWaterMark: 1 << 20 }),
    signal: input.signal,
  });
}

/** Much faster than mksquashfs's own 15, and a twentieth larger: nodes hold it in memory. */
const SQUASHFS_LEVEL = '9';

/** Of the root folder, which mksquashfs takes from no tar: else everybody could write to it. */
function rootMode(tar: string): readonly string[] {
  for (const { path, mode } of tarEntries(tar))
    if (path === '') return ['-root-mode', mode.toString(8)];
  return [];
}

const FORMATS: Readonly<Record<string, ImageFormat>> = {
  raw: {
    suffix: '.raw',
    disk: true,
    // The raw disk is written at its final name already.
    write: () => Promise.resolve(),
  },
  qcow2: {
    suffix: '.qcow2',
    disk: true,
    write: (input) => convert(input, 'qcow2', 'compat=1.1,lazy_refcounts=off'),
  },
  vmdk: {
    suffix: '.vmdk',
    disk: true,
    write: async (input) => {
      // The adapter is what VMware's tools write for pvscsi, too.
      await convert(input, 'vmdk', 'subformat=streamOptimized,adapter_type=lsilogic');
      fixContentId(input.output, input.rootfsDigest);
    },
  },
  tar: {
    suffix: '.tar',
    disk: false,
    write: (input) => copyFile(input.tar, input.output, constants.COPYFILE_FICLONE),
  },
  'tar.zst': {
    suffix: '.tar.zst',
    disk: false,
    write: async (input) => {
      const { toolbox, jobs, tar, output, signal } = input;
      const { file, args, env } = toolbox.command('zstd', [
        ...['-q', '-3', `-T${jobs}`, '--no-progress', '-o', output, tar],
      ]);
      await mustRun('compressing the tar', file, args, { env, signal });
    },
  },
  squashfs: {
    suffix: '.squashfs',
    disk: false,
    write: (input) =>
      feed(input, 'mksquashfs', [
        ...['-', input.output, '-tar', '-quiet', '-no-progress', '-reproducible'],
        ...['-comp', 'zstd', '-Xcompression-level', SQUASHFS_LEVEL],
        ...rootMode(input.tar),
        ...['-processors', String(input.jobs)],
      ]),
  },
};

export const FORMAT_NAMES: readonly string[] = Object.keys(FORMATS);

/** The format of that name; an unknown one is a `VsecError` (BUILD194, exit code 2). */
export function formatByName(name: string): ImageFormat {
  const found = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  if (found) return found;
  const near = closest(name, FORMAT_NAMES);
  throw misuse('BUILD194', `there is no image format ${JSON.stringify(name)}`, {
    notes: [{ message: `there are ${FORMAT_NAMES.join(', ')}` }],
    hint: distance(name, near) <= 2 ? `did you mean ${near}?` : undefined,
  });
}
