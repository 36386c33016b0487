/** Writing a bundle: image formats, kernel and initrd, boot glue, manifest, checksums. */
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { serialiseLock } from '../repos/lock-file.ts';
import type { Lock } from '../repos/lock.ts';
import type { Signer } from '../repos/signing/signer.ts';
import { sideBySide } from '../repos/together.ts';
import { VsecError } from '../vse/diagnostic.ts';
import type { Context, Report } from '../vse/report.ts';
import { task } from '../vse/report.ts';
import type { Vse } from '../vse/types.ts';
import type { Backend, GoldenImage, NetbootParts, StreamedFile } from './backend.ts';
import { Checksums } from './checksums.ts';
import type { Known } from './digest.ts';
import { formatByName } from './formats.ts';
import { imageFile, writeImages } from './images.ts';
import type { Disk } from './image/disk.ts';
import { rootUuidOf } from './image/disk.ts';
import { readKernelFacts } from './kernel/facts.ts';
import type { KernelFacts } from './kernel/facts.ts';
import { MANIFEST, MANIFEST_FORMAT } from './manifest.ts';
import type { Artifact, Manifest } from './manifest.ts';
import { STREAM_FORMATS } from './netboot/arguments.ts';
import { writeShim } from './netboot/shim.ts';
import type { Rootfs } from './kept-rootfs.ts';
import { ENVELOPE_FILE, PROVENANCE_FILE, writeProvenance } from './provenance.ts';
import {
  dom0Arguments,
  finishRecipe,
  hypervisorArguments,
  kernelArguments,
} from './rootfs/recipe.ts';
import { CYCLONEDX_FILE, SPDX_FILE, writeSboms } from './sbom/write.ts';
import type { Toolbox } from './toolbox.ts';

export interface BundleInput {
  readonly vse: Vse;
  readonly lock: Lock;
  readonly lockSha256: string;
  readonly rootfs: Rootfs;
  readonly toolbox: Toolbox;
  readonly stem: string;
  /** `sha256:…` of everything that the bundle follows from. */
  readonly input: string;
  readonly formats: readonly string[];
  readonly backends: readonly Backend[];
  /** Who signs the statement of how it came to be. */
  readonly signer?: Signer;
  /** An empty folder that becomes the bundle. */
  readonly folder: string;
}

/** What the backends are told of the image. */
function describe(
  input: BundleInput,
  disk: Disk | undefined,
  facts: KernelFacts | undefined,
): GoldenImage {
  const { vse, stem, rootfs } = input;
  const { hypervisor } = rootfs;
  const cmdline = kernelArguments(finishRecipe(vse));
  const disks = input.formats
    .filter((name) => formatByName(name).disk)
    .map((name) => [name, `${stem}${formatByName(name).suffix}`] as const);
  return {
    name: vse.name,
    version: vse.version,
    architecture: vse.config.distribution.architecture,
    stem,
    disks: Object.fromEntries(disks),
    ...(rootfs.kernel && { kernel: `${stem}.vmlinuz`, initrd: `${stem}.initrd` }),
    cmdline,
    ...(facts && { facts }),
    ...(hypervisor &&
      vse.config.hypervisor && {
        hypervisor: {
          image: `${stem}.xen.gz`,
          ...(hypervisor.efi && { efi: `${stem}.xen.efi` }),
          cmdline: hypervisorArguments(vse.config.hypervisor),
          dom0: dom0Arguments(cmdline),
        },
      }),
    rootfsDigest: rootfs.digest,
    machine: vse.config.machine,
    diskSize: disk?.size ?? 0,
  };
}

const SHIM_SUFFIX = '.netboot.initrd';

/** The netboot shim, and what it fetches; nothing where no backend wants it. */
async function writeNetboot(
  input: BundleInput,
  sums: Checksums,
  ctx: Context,
): Promise<{ readonly netboot?: NetbootParts }> {
  const { folder, stem, rootfs, vse, toolbox, lock } = input;
  if (!rootfs.kernel || !input.backends.some(({ shim }) => shim)) return {};
  const initrd = `${stem}${SHIM_SUFFIX}`;
  const { release: kernelRelease } = rootfs.kernel;
  await task(ctx.report, 'shim', 'Making the netboot shim', () =>
    writeShim({
      ...{ toolbox, tar: rootfs.tar, kernelRelease, epoch: lock.epoch, signal: ctx.signal },
      output: join(folder, initrd),
      scratch: join(folder, '.scratch'),
    }),
  );
  const streams: Record<string, StreamedFile> = {};
  for (const name of STREAM_FORMATS.filter((format) => input.formats.includes(format))) {
    const path = imageFile(input, name);
    streams[name] = {
      file: basename(path),
      sha256: await sums.of(path),
      size: statSync(path).size,
    };
  }
  const { rootLabel } = finishRecipe(vse);
  return { netboot: { initrd, streams, rootLabel, rootUuid: rootUuidOf(rootfs.digest) } };
}

function writeGlue(input: BundleInput, image: GoldenImage, report: Report): void {
  const problems = input.backends.flatMap((backend) => backend.check(image));
  if (problems.some((p) => p.severity === 'error')) throw new VsecError(problems, 2);
  for (const diagnostic of problems) report({ type: 'diagnostic', diagnostic });
  for (const backend of input.backends)
    for (const glue of backend.emit(image)) {
      const path = join(input.folder, 'boot', backend.name, glue.path);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, glue.content);
      chmodSync(path, glue.mode);
    }
}

/** The `format` field of an artifact. */
function formatOf(name: string, input: BundleInput): string {
  if (name.startsWith('boot/')) return 'glue';
  if (name === 'lock.json') return 'lock';
  if (name === SPDX_FILE || name === CYCLONEDX_FILE) return 'sbom';
  if (name === PROVENANCE_FILE || name === ENVELOPE_FILE) return 'provenance';
  if (name === `${input.stem}.vmlinuz`) return 'kernel';
  if (name === `${input.stem}.initrd`) return 'initrd';
  if (name === `${input.stem}${SHIM_SUFFIX}`) return 'netboot-initrd';
  if (name === `${input.stem}.xen.gz`) return 'hypervisor';
  if (name === `${input.stem}.xen.efi`) return 'hypervisor-efi';
  return (
    input.formats.find((format) => name === `${input.stem}${formatByName(format).suffix}`) ??
    'other'
  );
}

function* filesBelow(folder: string, prefix = ''): Generator<string> {
  for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true }))
    if (entry.isDirectory()) yield* filesBelow(folder, `${prefix}${entry.name}/`);
    else yield `${prefix}${entry.name}`;
}

/** The manifest's lines of files in the bundle's folder, in the order of `files`. */
const artifactsOf = (
  files: readonly string[],
  input: BundleInput,
  sums: Checksums,
): Promise<readonly Artifact[]> =>
  Promise.all(
    files.map(async (file) => {
      const path = join(input.folder, file);
      const sha256 = await sums.of(path);
      return { file, sha256, size: statSync(path).size, format: formatOf(file, input) };
    }),
  );

/** Writes everything into `input.folder` and returns the manifest. */
export async function writeBundle(input: BundleInput, ctx: Context): Promise<Manifest> {
  const stop = new AbortController();
  const sums = new Checksums(ctx.jobs, AbortSignal.any([ctx.signal, stop.signal]));
  try {
    return await writeParts(input, sums, ctx);
  } finally {
    stop.abort();
  }
}

async function writeParts(input: BundleInput, sums: Checksums, ctx: Context): Promise<Manifest> {
  const { folder, stem, vse, lock, rootfs, toolbox } = input;
  const { kernel, hypervisor } = rootfs;
  // The canonical tar as it is: its digest is the tree's.
  const tar = imageFile(input, 'tar');
  const written = (path: string, known?: Known): void =>
    sums.add(path, path === tar ? rootfs.digest.replace(/^sha256:/, '') : known);
  let idle = (): void => undefined;
  const isIdle = new Promise<void>((resolve) => (idle = resolve));
  const [disk, facts, components] = await sideBySide(ctx.signal, [
    (signal) => writeImages(input, { written, idle }, { ...ctx, signal }),
    async (signal) => kernel && readKernelFacts(kernel, toolbox, signal),
    async (signal) => {
      await isIdle;
      signal.throwIfAborted();
      return task(ctx.report, 'sbom', 'Writing bills of materials', () =>
        writeSboms(folder, input),
      );
    },
  ]);
  for (const [from, suffix] of [
    [kernel?.image, 'vmlinuz'],
    [kernel?.initrd, 'initrd'],
    [hypervisor?.image, 'xen.gz'],
    [hypervisor?.efi, 'xen.efi'],
  ] as const)
    if (from !== undefined) copyFileSync(from, join(folder, `${stem}.${suffix}`));
  const image = { ...describe(input, disk, facts), ...(await writeNetboot(input, sums, ctx)) };
  writeGlue(input, image, ctx.report);
  writeFileSync(join(folder, 'lock.json'), serialiseLock(lock));

  const artifacts = await task(ctx.report, 'checksums', 'Computing checksums', async () => {
    const list = await artifactsOf([...filesBelow(folder)].sort(), input, sums);
    const provenance = await writeProvenance(folder, input, list, components);
    return [...list, ...(await artifactsOf(provenance, input, sums))];
  });
  const manifest: Manifest = {
    vsecManifest: MANIFEST_FORMAT,
    name: vse.name,
    version: vse.version,
    architecture: vse.config.distribution.architecture,
    rootfs: {
      digest: rootfs.digest,
      uuid: rootUuidOf(rootfs.digest),
      label: finishRecipe(vse).rootLabel,
    },
    input: input.input,
    lock: { sha256: input.lockSha256 },
    vse: { digest: vse.digest },
    toolbox: { digest: lock.toolbox.digest },
    ...(lock.insecure && { insecure: true }),
    boot: {
      kernelCmdline: [...image.cmdline],
      ...(kernel && { kernelRelease: kernel.release }),
      ...(facts && {
        kernel: {
          compression: facts.compression,
          ...(facts.xen && { xen: [...facts.xen] }),
          ...(facts.config && { config: { ...facts.config } }),
          ...(facts.drivers && { drivers: [...facts.drivers] }),
        },
      }),
      ...(hypervisor &&
        image.hypervisor && {
          hypervisor: {
            release: hypervisor.release,
            cmdline: [...image.hypervisor.cmdline],
            dom0: [...image.hypervisor.dom0],
          },
        }),
      machine: {
        memory: image.machine.memory,
        vcpus: image.machine.vcpus,
        ...(image.machine.disk !== undefined && { disk: image.machine.disk }),
        nics: image.machine.nics.map((nic) => ({ ...nic })),
      },
      diskSize: image.diskSize,
    },
    artifacts,
    backends: input.backends.map((backend) => backend.name),
  };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  writeFileSync(join(folder, MANIFEST), text);
  const own = createHash('sha256').update(text).digest('hex');
  writeFileSync(
    join(folder, 'SHA256SUMS'),
    [...artifacts, { file: MANIFEST, sha256: own }]
      .map(({ file, sha256 }) => `${sha256}  ${file}\n`)
      .join(''),
  );
  return manifest;
}
