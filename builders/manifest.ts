/** `manifest.json`: what a bundle holds. The document's fields are a contract (design.md). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { failure, misuse } from '../vse/diagnostic.ts';
import type { GoldenImage } from './backend.ts';
import { STREAM_FORMATS } from './netboot/arguments.ts';

export const MANIFEST = 'manifest.json';
export const MANIFEST_FORMAT = 1;

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'is no digest (sha256:…)');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256 in hex');
const bytes = z.number().int().nonnegative();
/** A name inside the bundle's folder; glue lies below `boot/`. */
const file = z
  .string()
  .regex(/^[^/\0][^\0]*$/, 'is no path inside the bundle')
  .refine((path) => !path.split('/').some((part) => part === '' || part === '.' || part === '..'), {
    message: 'leads out of the bundle',
  });

const artifact = z.object({
  file,
  sha256,
  size: bytes,
  /** `raw`, `qcow2`, `tar.zst`, …; `kernel`, `initrd`, `hypervisor`, `glue`, …; else `other`. */
  format: z.string(),
});

const machine = z.object({
  memory: bytes,
  vcpus: z.number().int(),
  disk: bytes.exactOptional(),
  nics: z.array(z.object({ mac: z.string().exactOptional(), bridge: z.string().exactOptional() })),
});

// Loose where a later vsec may say more.
const manifest = z.looseObject({
  vsecManifest: z.literal(MANIFEST_FORMAT),
  name: z.string().min(1),
  version: z.string().min(1),
  architecture: z.string().min(1),
  rootfs: z.object({
    digest,
    /** UUID of the root file system, derived from the digest: a booted guest can show it. */
    uuid: z.uuid(),
    label: z.string(),
  }),
  /** Digest of everything that the bundle was made of, down to vsec's own code. */
  input: digest,
  lock: z.object({ sha256 }),
  vse: z.object({ digest }),
  toolbox: z.object({ digest }),
  /** Some package index was accepted without a good signature. */
  insecure: z.literal(true).exactOptional(),
  /** What backends need to start the image. */
  boot: z.object({
    /** Kernel arguments for a direct boot. */
    kernelCmdline: z.array(z.string()),
    kernelRelease: z.string().exactOptional(),
    /** What kernel and initrd can do; see `KernelFacts`. */
    kernel: z
      .object({
        compression: z.string(),
        xen: z.array(z.enum(['pv', 'pvh'])).exactOptional(),
        config: z.record(z.string(), z.string()).exactOptional(),
        drivers: z.array(z.string()).exactOptional(),
      })
      .exactOptional(),
    /** Of an image that carries a hypervisor: its arguments, and those of dom0's kernel. */
    hypervisor: z
      .object({ release: z.string(), cmdline: z.array(z.string()), dom0: z.array(z.string()) })
      .exactOptional(),
    machine,
    /** Bytes of the virtual disk; 0 where the bundle has none. */
    diskSize: bytes,
  }),
  artifacts: z.array(artifact),
  backends: z.array(z.string()),
});

export type Artifact = Readonly<z.infer<typeof artifact>>;
export type Manifest = Readonly<z.infer<typeof manifest>>;

/** `cfd_2.1.0_amd64`: the folder of a bundle and the start of its files' names. */
export const bundleStem = (of: Pick<Manifest, 'name' | 'version' | 'architecture'>): string =>
  `${of.name}_${of.version}_${of.architecture}`;

/** Reads and checks the manifest of the bundle in `folder`; BUILD420 to BUILD422 if it is none. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (problem) {
    throw misuse('BUILD420', `${folder} is no bundle`, {
      notes: [{ message: `cannot read ${path}: ${(problem as NodeJS.ErrnoException).code}` }],
      hint: 'name a folder that `vsec build` wrote, or build the environment first',
    });
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (problem) {
    throw failure('BUILD421', `${path} is no JSON: ${(problem as Error).message}`, {
      hint: 'the bundle is damaged: build it again',
    });
  }
  const result = manifest.safeParse(document);
  if (result.success) return result.data;
  throw failure('BUILD422', `${path} is no manifest that this vsec can read`, {
    notes: result.error.issues.map((issue) => ({
      message: `${issue.path.join('.') || 'the document'}: ${issue.message}`,
    })),
    hint: 'build the bundle again with this version of vsec',
  });
}

const DISKS = new Set(['raw', 'qcow2', 'vmdk']);

/** The image of a bundle, as backends want it. */
export function goldenImage(from: Manifest): GoldenImage {
  const fileOf = (format: string): string | undefined =>
    from.artifacts.find((one) => one.format === format)?.file;
  const kernel = fileOf('kernel');
  const initrd = fileOf('initrd');
  const hypervisor = fileOf('hypervisor');
  const efi = fileOf('hypervisor-efi');
  return {
    name: from.name,
    version: from.version,
    architecture: from.architecture,
    stem: bundleStem(from),
    disks: Object.fromEntries(
      from.artifacts.filter((one) => DISKS.has(one.format)).map((one) => [one.format, one.file]),
    ),
    ...(kernel !== undefined && { kernel }),
    ...(initrd !== undefined && { initrd }),
    cmdline: from.boot.kernelCmdline,
    ...(from.boot.kernel && { facts: from.boot.kernel }),
    ...(from.boot.hypervisor &&
      hypervisor !== undefined && {
        hypervisor: {
          image: hypervisor,
          ...(efi !== undefined && { efi }),
          cmdline: from.boot.hypervisor.cmdline,
          dom0: from.boot.hypervisor.dom0,
        },
      }),
    ...netbootOf(from),
    rootfsDigest: from.rootfs.digest,
    machine: from.boot.machine,
    diskSize: from.boot.diskSize,
  };
}

function netbootOf(from: Manifest): Pick<GoldenImage, 'netboot'> {
  const initrd = from.artifacts.find((one) => one.format === 'netboot-initrd')?.file;
  if (initrd === undefined) return {};
  const streams = from.artifacts
    .filter(({ format }) => STREAM_FORMATS.includes(format))
    .map(({ format, file, sha256, size }) => [format, { file, sha256, size }] as const);
  const { label: rootLabel, uuid: rootUuid } = from.rootfs;
  return { netboot: { initrd, streams: Object.fromEntries(streams), rootLabel, rootUuid } };
}
