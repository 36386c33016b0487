/** One attempt to boot an image, with one accelerator: everything it makes is gone afterwards. */
import { rmSync } from 'node:fs';
import { VsecError } from '../../vse/diagnostic.ts';
import type { Diagnostic } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { task } from '../../vse/report.ts';
import type { Accelerator, Backend, BootPlan, Firmware, GoldenImage } from '../backend.ts';
import type { Toolbox } from '../toolbox.ts';
import { ConsoleLog } from './console-log.ts';
import type { ImageUnderTest } from './image-under-test.ts';
import { overlay } from './image-under-test.ts';
import type { DirectWay, ExecResult, Way } from './login.ts';
import { execInGuest, freePort, guestLogin, makeKey, notRun } from './login.ts';
import type { NetbootStep } from './netboot-log.ts';
import { makeScratch } from './scratch.ts';
import type { Patience, Watched } from './watch.ts';
import { watchGuest } from './watch.ts';
import type { XenVenue } from './xen-venue.ts';

/** Seconds; an emulated machine on a busy host takes its time to say its first word. */
const FIRST_OUTPUT = 60;
/** Seconds; where KVM does not really work, guests hang as soon as they start. */
const KVM_SILENCE = 30;

/** What does not change between two attempts. */
export interface BootTest {
  readonly backend: Backend;
  /** Absolute path. */
  readonly bundle: string;
  readonly image: GoldenImage;
  readonly under: ImageUnderTest;
  readonly firmware: Firmware;
  /** Milliseconds. */
  readonly timeout: number;
  readonly command?: string;
  readonly consoleLog?: string;
  /** Where nodes that come by the network get images, when not from this process. */
  readonly images?: string;
  /** Where guests of Xen are started. */
  readonly venue?: XenVenue;
  readonly toolbox: Toolbox;
  readonly ctx: Context;
}

export interface Attempt {
  readonly watched: Watched;
  /** From the start of the host that the guest needed until it was up. */
  readonly hostSeconds?: number;
  readonly exec?: ExecResult;
  /** The hypervisor's own program that took the glue before it started anything. */
  readonly validatedBy?: string;
  /** What the netboot shim did, where there was one. */
  readonly steps?: readonly NetbootStep[];
  /** Of the command alone; why the guest is not up is in `watched`. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Boots once. `spare`: there is another accelerator, so that silence is not waited out. */
export async function attempt(
  test: BootTest,
  accelerator: Accelerator,
  spare: boolean,
): Promise<Attempt> {
  const { toolbox, ctx } = test;
  const scratch = makeScratch(ctx);
  let log: ConsoleLog | undefined;
  try {
    log = new ConsoleLog(test.consoleLog, ctx.report);
    const way =
      test.command === undefined
        ? undefined
        : { key: await makeKey(toolbox, scratch, ctx), port: await freePort(), toolbox };
    const watched = await start(test, accelerator, { spare, scratch, way, log });
    try {
      return { watched, ...(await runCommand(test, watched, way)) };
    } finally {
      await watched.guest.stop();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    log?.close();
  }
}

interface Surroundings {
  readonly spare: boolean;
  readonly scratch: string;
  readonly way: DirectWay | undefined;
  readonly log: ConsoleLog;
}

async function start(
  test: BootTest,
  accelerator: Accelerator,
  { spare, scratch, way, log }: Surroundings,
): Promise<Watched> {
  const { backend, bundle, image, under, firmware, toolbox, ctx } = test;
  const plan = backend.boot?.(image, {
    ...{ bundle, firmware, scratch, accelerator, toolboxRoot: toolbox.root },
    disk: await overlay(under, image, toolbox, scratch, ctx),
    ...(way && { login: guestLogin(way.key, way.port) }),
  });
  if (!plan) throw new Error(`${backend.name} has no boot plan`);
  const label = `Booting ${image.stem} on ${backend.name} (${firmware}, ${accelerator})`;
  return task(ctx.report, 'boot', label, () =>
    watchGuest(
      leashed(toolbox, plan),
      patience(test.timeout, accelerator, spare),
      ctx.report,
      ctx.signal,
      (chunk) => log.write(chunk),
    ),
  );
}

/** A hypervisor outlives nobody: the kernel ends it even when this process is killed outright. */
export function leashed(toolbox: Toolbox, plan: BootPlan): ReturnType<Toolbox['command']> {
  const { file, args, env } = toolbox.command(plan.program, plan.args);
  const leash = toolbox.command('setpriv', ['--pdeathsig', 'KILL', '--', file, ...args]);
  return { ...leash, env: { ...leash.env, ...env, ...plan.env } };
}

export function patience(total: number, accelerator: Accelerator, spare: boolean): Patience {
  const hasty = accelerator === 'kvm' && spare;
  return {
    total,
    firstOutput: Math.min(total, (hasty ? KVM_SILENCE : FIRST_OUTPUT) * 1000),
    ...(hasty && { output: KVM_SILENCE * 1000 }),
    afterTrouble: 2000,
  };
}

export async function runCommand(
  { command: text, timeout, ctx }: BootTest,
  { ending }: Watched,
  way: Way | undefined,
): Promise<Omit<Attempt, 'watched'>> {
  if (text === undefined || !way || ending.kind !== 'up') return { diagnostics: [] };
  try {
    return { exec: await execInGuest(text, timeout, way, ctx.signal), diagnostics: [] };
  } catch (problem) {
    if (!(problem instanceof VsecError)) throw problem;
    return { exec: notRun(text), diagnostics: problem.diagnostics };
  }
}
