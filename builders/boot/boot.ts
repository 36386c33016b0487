/** `vsec boot`: starts a bundle's image for real, and says whether it came up. */
import { failure, VsecError } from '../../vse/diagnostic.ts';
import type { Diagnostic } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import type { Accelerator, Backend, Firmware } from '../backend.ts';
import { backendByName } from '../backends/index.ts';
import { goldenImage, readManifest } from '../manifest.ts';
import type { Manifest } from '../manifest.ts';
import type { Toolbox } from '../toolbox.ts';
import type { AcceleratorChoice } from './accelerator.ts';
import { accelerators, kvmObstacle } from './accelerator.ts';
import { emulatedTwice, startedAgain, worthAnother } from './again.ts';
import type { Attempt, BootTest } from './attempt.ts';
import { attempt as attemptInQemu } from './attempt.ts';
import { chooseFirmware } from './firmware.ts';
import { measure, openImage } from './image-under-test.ts';
import type { BootResult } from './result.ts';
import { explain, foreignHypervisor, foreignRoot, written } from './result.ts';
import { attemptByNetwork } from './network-attempt.ts';
import { attemptInXen } from './xen-attempt.ts';
import { XenVenue } from './xen-venue.ts';
import type { XenHostSource } from './xen-venue.ts';

export interface BootOptions {
  readonly backend: string;
  /** The backend's usual one when absent. */
  readonly firmware?: Firmware;
  /** Format of the disk to boot, of those in the bundle; the backend's own when absent. */
  readonly disk?: string;
  /** `auto` when absent: KVM where it works, software where it does not. */
  readonly accelerator?: AcceleratorChoice;
  /** Seconds until the guest must be up, and for the command to be done; 300 when absent. */
  readonly timeout?: number;
  /** A shell command that root runs in the guest once it is up. */
  readonly exec?: string;
  /** Absolute path of a file that receives the whole console, as it comes. */
  readonly consoleLog?: string;
  /** Gets the bundle of a Xen host, building it first if need be. */
  readonly xenHost?: () => Promise<XenHostSource>;
  /** Where guests of Xen are started; one for this boot alone, in such a host, when absent. */
  readonly venue?: XenVenue;
}

const TIMEOUT = 300;
/** A processor that is emulated twice over; and with it the devices of a whole PC. */
const XEN_TIMEOUT = 600;
const HVM_TIMEOUT = 1800;
/** Lines of the console in the result. */
const TAIL = 30;

/**
 * Boots the bundle in `bundle` (absolute path) and waits until it is up. A guest that does not come
 * up is a result with `up: false`; a bundle or a host that cannot be used is a `VsecError`
 * (BOOT001 to BOOT010). The guest is gone and its scratch removed when this returns or throws.
 */
export async function bootBundle(
  bundle: string,
  options: BootOptions,
  toolbox: Toolbox,
  ctx: Context,
): Promise<BootResult> {
  const backend = backendByName(options.backend);
  if (!backend.boot && !backend.xenGuest && !backend.byNetwork)
    throw failure('BOOT001', `vsec cannot start guests of ${backend.name}`, {
      hint: `its glue is in boot/${backend.name}; boot with --backend qemu to test the image`,
    });
  const firmware = chooseFirmware(backend, options.firmware);
  const choices = accelerators(backend, options.accelerator ?? 'auto', kvmObstacle());
  const manifest = await readManifest(bundle);
  const image = goldenImage(manifest);
  const problems = backend.check(image).filter((one) => one.severity === 'error');
  if (problems.length > 0) throw new VsecError(problems, 2);
  const inXen = backend.xenGuest !== undefined || firmware === 'xen';
  if (options.exec !== undefined) refuseUnreachable(backend, firmware);
  const test: BootTest = {
    ...{ backend, bundle, image, firmware, toolbox, ctx },
    under: await openImage(bundle, manifest, image, backend, ctx, options.disk),
    timeout: (options.timeout ?? usualTimeout(backend, inXen)) * 1000,
    ...(options.exec !== undefined && { command: options.exec }),
    ...(options.consoleLog !== undefined && { consoleLog: options.consoleLog }),
    ...(options.venue && { venue: options.venue }),
  };
  if (!inXen) return bootWith(choices, test, manifest);
  const tries = emulatedTwice(choices);
  if (options.venue || !options.xenHost) return bootWith(tries, test, manifest);
  const venue = new XenVenue(options.xenHost);
  try {
    return await bootWith(tries, { ...test, venue }, manifest);
  } finally {
    await venue.close();
  }
}

function usualTimeout({ xenRole }: Backend, inXen: boolean): number {
  if (!inXen) return TIMEOUT;
  return xenRole === 'HVM' ? HVM_TIMEOUT : XEN_TIMEOUT;
}

/** A command comes with a key, and the key on the command line of the guest's kernel. */
function refuseUnreachable(backend: Backend, firmware: Firmware): void {
  if (backend.xenRole !== 'HVM' && firmware !== 'pvgrub') return;
  throw failure('BOOT013', `--exec does not reach guests of ${backend.name} by ${firmware}`, {
    notes: [{ message: "nobody but the image says anything to the guest's kernel there" }],
    hint: 'run the command with --backend qemu: the image is the same',
  });
}

/** Boots with the first accelerator, and with the next where that may help. */
export async function bootWith(
  [first, ...others]: readonly [Accelerator, ...Accelerator[]],
  test: BootTest,
  manifest: Manifest,
): Promise<BootResult> {
  const notes: Diagnostic[] = [];
  const attempt = wayToStart(test);
  let accelerator = first;
  let tried = await attempt(test, accelerator, others.length > 0);
  for (const other of others) {
    if (!worthAnother(tried.watched.ending, accelerator, other)) break;
    const note = startedAgain(tried.watched, accelerator, other);
    notes.push(note);
    test.ctx.report({ type: 'log', level: 'info', message: `${note.message}: ${note.hint}` });
    // Whatever it was may still be the matter with the host.
    await test.venue?.close();
    accelerator = other;
    tried = await attempt(test, accelerator, false);
  }
  return conclude(test, manifest, accelerator, tried, notes);
}

function wayToStart({ backend }: BootTest) {
  if (backend.byNetwork) return attemptByNetwork;
  return backend.xenGuest ? attemptInXen : attemptInQemu;
}

async function conclude(
  { backend, under, firmware, ctx }: BootTest,
  manifest: Manifest,
  accelerator: Accelerator,
  { watched, exec, diagnostics, hostSeconds, steps, validatedBy }: Attempt,
  notes: readonly Diagnostic[],
): Promise<BootResult> {
  const report = watched.ending.kind === 'up' ? watched.ending.report : undefined;
  const after = await measure(under.path, ctx);
  const faults = [
    ...explain(watched, accelerator),
    ...foreignRoot(report?.rootfsUuid, manifest),
    ...foreignHypervisor(report, backend.xenRole),
    ...written(under, after),
  ];
  const up = faults.length === 0;
  // KVM's guests are only proven by KVM.
  const ran = up && (backend.accelerators ?? [accelerator]).includes(accelerator);
  return {
    backend: backend.name,
    ...(backend.standIn !== undefined && { standIn: backend.standIn }),
    up,
    seconds: Number(watched.seconds.toFixed(1)),
    tier: ran ? 'ran' : validatedBy === undefined ? 'emitted' : 'validated',
    ...(!ran && validatedBy !== undefined && { validatedBy }),
    failedUnits: report?.failed.map((unit) => unit.name) ?? [],
    imageSha256Before: under.sha256,
    imageSha256After: after,
    image: under.file,
    firmware,
    accelerator,
    ...(steps && { steps }),
    ...(hostSeconds !== undefined && { hostSeconds: Number(hostSeconds.toFixed(1)) }),
    ...(report && {
      guest: {
        ...(report.seconds !== undefined && { seconds: report.seconds }),
        ...(report.rootfsUuid !== undefined && { rootfsUuid: report.rootfsUuid }),
      },
    }),
    console: watched.console.tail(TAIL),
    ...(exec && { exec }),
    diagnostics: [...notes, ...faults, ...diagnostics],
  };
}
