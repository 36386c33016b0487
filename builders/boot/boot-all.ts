/** Every hypervisor and every way to start a guest, with one image. */
import { join } from 'node:path';
import { VsecError } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import type { Backend, Firmware } from '../backend.ts';
import { backends } from '../backends/index.ts';
import { goldenImage, readManifest } from '../manifest.ts';
import type { Manifest } from '../manifest.ts';
import type { Toolbox } from '../toolbox.ts';
import type { BootOptions } from './boot.ts';
import { bootBundle } from './boot.ts';
import { firmwaresOf } from './firmware.ts';
import type { BootResult } from './result.ts';
import { acceptedBy } from './schema.ts';
import { XenVenue } from './xen-venue.ts';

/** One row of the evidence: a boot, or why there was none. */
export interface BootEvidence extends BootResult {
  /** `false` where this host, or this bundle, does not let it be tried: `diagnostics` say why. */
  readonly attempted: boolean;
  /** `sha256:…` of the tree that the manifest names. */
  readonly rootfsDigest: string;
}

type Common = Omit<BootOptions, 'backend'>;

/**
 * Boots the bundle on each backend, in each of its ways, one after the other, all from the same
 * disk: the raw one where the bundle has it. With a `firmware`, in that way alone. What cannot be
 * tried is a row, too, and no failure. Guests of Xen share one host.
 */
export async function bootAll(
  bundle: string,
  options: Common,
  toolbox: Toolbox,
  ctx: Context,
): Promise<readonly BootEvidence[]> {
  const manifest = await readManifest(bundle);
  const { disks } = goldenImage(manifest);
  const disk = options.disk ?? (disks['raw'] === undefined ? undefined : 'raw');
  const venue = options.xenHost && new XenVenue(options.xenHost);
  const common = { ...options, ...(disk !== undefined && { disk }), ...(venue && { venue }) };
  const rows: BootEvidence[] = [];
  try {
    for (const backend of backends)
      for (const firmware of waysOf(backend, options.firmware)) {
        const { consoleLog: log } = options;
        const way = {
          ...{ backend: backend.name, firmware },
          ...(log !== undefined && { consoleLog: `${log}-${backend.name}-${firmware}` }),
        };
        const row = await evidence(
          bundle,
          { ...common, ...way },
          { backend, manifest, toolbox, ctx },
        );
        rows.push(row.up ? row : await judged(row, bundle, ctx));
      }
    return rows;
  } finally {
    await venue?.close();
  }
}

async function judged(row: BootEvidence, bundle: string, ctx: Context): Promise<BootEvidence> {
  if (row.validatedBy !== undefined) return row;
  const validatedBy = await acceptedBy(join(bundle, 'boot', row.backend), ctx);
  return validatedBy === undefined ? row : { ...row, tier: 'validated', validatedBy };
}

/** Glue that nothing here can start is one row. */
function waysOf(backend: Backend, wanted: Firmware | undefined): readonly Firmware[] {
  const [usual, ...others] = firmwaresOf(backend);
  if (!backend.boot && !backend.xenGuest && !backend.byNetwork) return [usual];
  return [usual, ...others].filter((one) => wanted === undefined || one === wanted);
}

interface Surroundings {
  readonly backend: Backend;
  readonly manifest: Manifest;
  readonly toolbox: Toolbox;
  readonly ctx: Context;
}

async function evidence(
  bundle: string,
  options: BootOptions,
  { backend, manifest, toolbox, ctx }: Surroundings,
): Promise<BootEvidence> {
  const rootfsDigest = manifest.rootfs.digest;
  try {
    const result = await bootBundle(bundle, options, toolbox, ctx);
    return { ...result, attempted: true, rootfsDigest };
  } catch (problem) {
    if (!(problem instanceof VsecError)) throw problem;
    const row = notTried(backend, options.firmware, manifest, options.disk);
    return { ...row, diagnostics: problem.diagnostics, attempted: false, rootfsDigest };
  }
}

function notTried(
  backend: Backend,
  firmware: Firmware | undefined,
  manifest: Manifest,
  disk?: string,
): BootResult {
  const artifact = (disk === undefined ? backend.formats : [disk])
    .map((format) => manifest.artifacts.find((one) => one.format === format))
    .find((one) => one !== undefined);
  return {
    backend: backend.name,
    up: false,
    seconds: 0,
    tier: 'emitted',
    failedUnits: [],
    imageSha256Before: artifact?.sha256 ?? '',
    imageSha256After: artifact?.sha256 ?? '',
    image: artifact?.file ?? '',
    firmware: firmware ?? firmwaresOf(backend)[0],
    accelerator: backend.accelerators?.[0] ?? 'tcg',
    console: [],
    diagnostics: [],
  };
}
