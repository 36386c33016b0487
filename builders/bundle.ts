/** Writing a bundle: image formats, kernel and initrd, boot glue, manifest, checksums. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { serialiseLock } from '../repos/lock-file.ts';
import type { Lock } from '../repos/lock.ts';
import type { Signer } from '../repos/signing/signer.ts';
import { VsecError } from '../vse/diagnostic.ts';
import type { Context, Report } from '../vse/report.ts';
import { task } from '../vse/report.ts';
import type { Vse } from '../vse/types.ts';
import type { Backend, GoldenImage, NetbootParts, StreamedFile } from './backend.ts';
import { formatByName } from './formats.ts';
import { writeDisk } from './image/disk.ts';
import type { Disk } from './image/disk.ts';
import { rootUuidOf } from './image/disk.ts';
import { readKernelFacts } from './kernel/facts.ts';
import type { KernelFacts } from './kernel/facts.ts';
import { MANIFEST, MANIFEST_FORMAT } from './manifest.ts';
import type { Artifact, Manifest } from './manifest.ts';
import { STREAM_FORMATS } from './netboot/arguments.ts';
import { writeShim } from './netboot/shim.ts';
import type { Rootfs } from './obtain-rootfs.ts';
import { ENVELOPE_FILE, PROVENANCE_FILE, writeProvenance } from './provenance.ts';
import {
  dom0Arguments,
  finishRecipe,
  hypervisorArguments,
  kernelArguments,
} from './rootfs/recipe.ts';
import { sha256File } from './seal.ts';
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

async function writeImages(input: BundleInput, ctx: Context): Promise<Disk | undefined> {
  const { folder, stem, rootfs, toolbox, vse } = input;
  const file = (suffix: string): string => join(folder, `${stem}${suffix}`);
  const raw = file('.raw');
  let disk: Disk | undefined;
  if (input.formats.some((name) => formatByName(name).disk)) {
    const scratch = join(folder, '.scratch');
    mkdirSync(scratch);
    disk = await task(ctx.report, 'disk', 'Making the disk image', () =>
      writeDisk(toolbox, raw, {
        tar: rootfs.tar,
        rootfsDigest: rootfs.digest,
        rootLabel: finishRecipe(vse).rootLabel,
        filesystem: vse.config.image.filesystem,
        size: vse.config.image.size,
        epoch: input.lock.epoch,
        scratch,
        signal: ctx.signal,
      }),
    );
    rmSync(scratch, { recursive: true });
  }
  for (const name of input.formats) {
    ctx.signal.throwIfAborted();
    const format = formatByName(name);
    const output = file(format.suffix);
    if (output !== raw)
      await task(ctx.report, `format:${name}`, `Writing ${name}`, () =>
        format.write({
          toolbox,
          tar: rootfs.tar,
          raw,
          rootfsDigest: rootfs.digest,
          output,
          epoch: input.lock.epoch,
          jobs: ctx.jobs,
          signal: ctx.signal,
        }),
      );
  }
  if (disk && !input.formats.includes('raw')) rmSync(raw);
  return disk;
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
    const file = `${stem}${formatByName(name).suffix}`;
    const path = join(folder, file);
    streams[name] = { file, sha256: await sha256File(path), size: statSync(path).size };
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

async function artifactOf(file: string, input: BundleInput): Promise<Artifact> {
  const path = join(input.folder, file);
  const format = formatOf(file, input);
  // The canonical tar as it is: its digest is the tree's.
  const known = format === 'tar' ? input.rootfs.digest.replace(/^sha256:/, '') : undefined;
  return { file, sha256: known ?? (await sha256File(path)), size: statSync(path).size, format };
}

/** Writes everything into `input.folder` and returns the manifest. */
export async function writeBundle(input: BundleInput, ctx: Context): Promise<Manifest> {
  const { folder, stem, vse, lock, rootfs } = input;
  const disk = await writeImages(input, ctx);
  const { kernel, hypervisor } = rootfs;
  for (const [from, suffix] of [
    [kernel?.image, 'vmlinuz'],
    [kernel?.initrd, 'initrd'],
    [hypervisor?.image, 'xen.gz'],
    [hypervisor?.efi, 'xen.efi'],
  ] as const)
    if (from !== undefined) copyFileSync(from, join(folder, `${stem}.${suffix}`));
  const facts = kernel && (await readKernelFacts(kernel, input.toolbox, ctx.signal));
  const image = { ...describe(input, disk, facts), ...(await writeNetboot(input, ctx)) };
  writeGlue(input, image, ctx.report);
  writeFileSync(join(folder, 'lock.json'), serialiseLock(lock));
  const components = await task(ctx.report, 'sbom', 'Writing bills of materials', () =>
    writeSboms(folder, input),
  );

  const artifacts = await task(ctx.report, 'checksums', 'Computing checksums', async () => {
    const list: Artifact[] = [];
    for (const file of [...filesBelow(folder)].sort()) list.push(await artifactOf(file, input));
    for (const file of await writeProvenance(folder, input, list, components))
      list.push(await artifactOf(file, input));
    return list;
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
