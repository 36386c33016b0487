/** `vsec boot`: starts a bundle's image for real, and says whether it came up. */
import { mkdtempSync, openSync, closeSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { error, failure, warning } from '../../vse/diagnostic.ts';
import type { Diagnostic } from '../../vse/diagnostic.ts';
import { VsecError } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { task } from '../../vse/report.ts';
import type { Accelerator, Backend, Firmware, GoldenImage } from '../backend.ts';
import { backendByName } from '../backends/index.ts';
import type { Manifest } from '../manifest.ts';
import { goldenImage, readManifest } from '../manifest.ts';
import type { Toolbox } from '../toolbox.ts';
import type { AcceleratorChoice } from './accelerator.ts';
import { accelerators } from './accelerator.ts';
import type { ImageUnderTest } from './image-under-test.ts';
import { measure, openImage, overlay } from './image-under-test.ts';
import type { ExecResult } from './login.ts';
import { execInGuest, freePort, guestLogin, makeKey } from './login.ts';
import type { BootResult } from './result.ts';
import { explain } from './result.ts';
import type { Patience, Watched } from './watch.ts';
import { watchGuest } from './watch.ts';

export interface BootOptions {
  readonly backend: string;
  /** `bios` when absent. */
  readonly firmware?: Firmware;
  /** `auto` when absent: KVM where it works, software where it does not. */
  readonly accelerator?: AcceleratorChoice;
  /** Seconds until the guest must be up, and for the command to be done; 300 when absent. */
  readonly timeout?: number;
  /** A shell command that root runs in the guest once it is up. */
  readonly exec?: string;
  /** Absolute path of a file that receives the whole console, as it comes. */
  readonly consoleLog?: string;
}

const TIMEOUT = 300;
/** Seconds; an emulated machine on a busy host takes its time to say its first word. */
const FIRST_OUTPUT = 60;
/** Seconds; what KVM hangs on, it hangs on at once. */
const KVM_SILENCE = 20;
const TAIL = 30;

/** All that does not change between two attempts. */
interface Test {
  readonly backend: Backend;
  readonly bundle: string;
  readonly image: GoldenImage;
  readonly manifest: Manifest;
  readonly under: ImageUnderTest;
  readonly options: BootOptions;
  readonly firmware: Firmware;
  readonly timeout: number;
  readonly toolbox: Toolbox;
  readonly ctx: Context;
}

interface Attempt {
  readonly watched: Watched;
  readonly exec?: ExecResult;
  readonly diagnostics: readonly Diagnostic[];
}

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
  if (!backend.boot)
    throw failure('BOOT001', `vsec cannot start guests of ${backend.name}`, {
      hint: `its glue is in boot/${backend.name}; boot with --backend qemu to test the image`,
    });
  const choices = accelerators(backend, options.accelerator ?? 'auto');
  const manifest = await readManifest(bundle);
  const image = goldenImage(manifest);
  const problems = backend.check(image).filter((one) => one.severity === 'error');
  if (problems.length > 0) throw new VsecError(problems, 2);
  const under = await openImage(bundle, manifest, image, backend, ctx);
  const firmware = options.firmware ?? 'bios';
  const timeout = (options.timeout ?? TIMEOUT) * 1000;
  const test: Test = {
    ...{ backend, bundle, image, manifest, under, options, firmware, timeout, toolbox, ctx },
  };

  const notes: Diagnostic[] = [];
  for (const [index, accelerator] of choices.entries()) {
    const spare = choices[index + 1];
    const attempt = await tryBoot(test, accelerator, spare !== undefined);
    if (spare !== undefined && gaveNoSign(attempt.watched)) {
      notes.push(
        warning('BOOT035', `with ${accelerator} the guest gave no sign of life`, {
          notes: explain(attempt.watched, accelerator).map(({ message }) => ({ message })),
          hint: `it was started again with ${spare}`,
        }),
      );
      continue;
    }
    return conclude(test, accelerator, attempt, notes);
  }
  throw new Error('no accelerator to try');
}

const gaveNoSign = ({ ending }: Watched): boolean =>
  ending.kind === 'silent' || (ending.kind === 'exited' && ending.end.code !== 0);

async function tryBoot(test: Test, accelerator: Accelerator, spare: boolean): Promise<Attempt> {
  const { backend, bundle, image, under, options, firmware, timeout, toolbox, ctx } = test;
  const scratch = mkdtempSync(join(ctx.env['TMPDIR'] || '/tmp', 'vsec-boot-'));
  const log = options.consoleLog === undefined ? undefined : openSync(options.consoleLog, 'w');
  try {
    const way =
      options.exec === undefined
        ? undefined
        : { key: await makeKey(toolbox, scratch, ctx), port: await freePort(), toolbox };
    const plan = backend.boot?.(image, {
      ...{ bundle, firmware, scratch, toolboxRoot: toolbox.root, accelerator },
      disk: await overlay(under, image, toolbox, scratch, ctx),
      ...(way && { login: guestLogin(way.key, way.port) }),
    });
    if (!plan) throw new Error(`${backend.name} has no boot plan`);
    const command = toolbox.command(plan.program, plan.args);
    const label = `Booting ${image.stem} on ${backend.name} (${firmware}, ${accelerator})`;
    const watched = await task(ctx.report, 'boot', label, () =>
      watchGuest(
        { ...command, env: { ...command.env, ...plan.env } },
        patience(timeout, accelerator, spare),
        ctx.report,
        ctx.signal,
        (chunk) => void (log !== undefined && writeSync(log, chunk)),
      ),
    );
    try {
      if (!way || options.exec === undefined || !isUp(watched)) return { watched, diagnostics: [] };
      const exec = await execInGuest(options.exec, timeout, way, ctx.signal);
      return { watched, exec, diagnostics: [] };
    } catch (problem) {
      if (problem instanceof VsecError) return { watched, diagnostics: problem.diagnostics };
      throw problem;
    } finally {
      await watched.guest.stop();
    }
  } finally {
    if (log !== undefined) closeSync(log);
    rmSync(scratch, { recursive: true, force: true });
  }
}

function patience(total: number, accelerator: Accelerator, spare: boolean): Patience {
  const hasty = accelerator === 'kvm' && spare;
  return {
    total,
    firstOutput: Math.min(total, (hasty ? KVM_SILENCE : FIRST_OUTPUT) * 1000),
    ...(hasty && { output: KVM_SILENCE * 1000 }),
    afterTrouble: 2000,
  };
}

const isUp = ({ ending }: Watched): boolean =>
  ending.kind === 'up' && ending.report.failed.length === 0;

async function conclude(
  test: Test,
  accelerator: Accelerator,
  attempt: Attempt,
  notes: readonly Diagnostic[],
): Promise<BootResult> {
  const { backend, under, firmware, ctx } = test;
  const { watched, exec } = attempt;
  const report = watched.ending.kind === 'up' ? watched.ending.report : undefined;
  const after = await measure(under.path, ctx);
  const faults = [
    ...explain(watched, accelerator),
    ...foreignRoot(report?.rootfsUuid, test.manifest),
    ...written(under, after),
  ];
  const up = faults.length === 0;
  return {
    backend: backend.name,
    up,
    seconds: Number(watched.seconds.toFixed(1)),
    // KVM's guests are only proven by KVM.
    tier: up && (backend.accelerators ?? [accelerator]).includes(accelerator) ? 'ran' : 'emitted',
    failedUnits: report?.failed.map((unit) => unit.name) ?? [],
    imageSha256Before: under.sha256,
    imageSha256After: after,
    image: under.file,
    firmware,
    accelerator,
    ...(report && {
      guest: {
        ...(report.seconds !== undefined && { seconds: report.seconds }),
        ...(report.rootfsUuid !== undefined && { rootfsUuid: report.rootfsUuid }),
      },
    }),
    console: watched.console.tail(TAIL),
    ...(exec && { exec }),
    diagnostics: [...notes, ...faults, ...attempt.diagnostics],
  };
}

function foreignRoot(uuid: string | undefined, manifest: Manifest): readonly Diagnostic[] {
  const expected = manifest.rootfs.uuid.toLowerCase();
  if (uuid === undefined || uuid === expected) return [];
  return [
    error('BOOT036', 'the guest runs from another root file system than the manifest names', {
      notes: [{ message: `it has UUID ${uuid}, expected ${expected}` }],
      hint: 'is there a second disk or a stale boot menu with the same label?',
    }),
  ];
}

function written(under: ImageUnderTest, after: string): readonly Diagnostic[] {
  if (after === under.sha256) return [];
  return [
    error('BOOT037', `${under.file} changed while it was booted`, {
      notes: [{ message: `SHA-256 before ${under.sha256}` }, { message: `after ${after}` }],
      hint: 'the guest writes to an overlay: something else on this host wrote to the image',
    }),
  ];
}
