/** From a lock to the files of a bundle: what is loaded only when there is something to build. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lockSha256 } from '../repos/lock-file.ts';
import type { Signer } from '../repos/signing/signer.ts';
import { sideBySide } from '../repos/together.ts';
import type { Context } from '../vse/report.ts';
import { writeBundle } from './bundle.ts';
import type { BundleInput } from './bundle.ts';
import type { Manifest } from './manifest.ts';
import { refuseWithoutShim } from './netboot/shim.ts';
import { obtainRootfs } from './obtain-rootfs.ts';
import type { RootfsOptions } from './obtain-rootfs.ts';
import { brokenSeal } from './seal.ts';
import type { Toolbox } from './toolbox.ts';
import { prepareToolbox } from './toolbox/prepare.ts';

type BundleJob = Pick<
  BundleInput,
  'vse' | 'lock' | 'stem' | 'input' | 'formats' | 'backends' | 'folder'
>;

type Options = RootfsOptions & { readonly signer?: Signer };

/** Fills `job.folder`, which is empty, and returns what its manifest says. */
export async function makeBundle(
  job: BundleJob,
  options: Options,
  ctx: Context,
): Promise<Manifest> {
  const { lock } = job;
  const toolbox = await prepareToolbox(lock.toolbox, 'build toolbox', ctx);
  if (job.backends.some(({ shim }) => shim)) refuseWithoutShim(toolbox);
  return bundleOf(job, toolbox, options, ctx);
}

async function bundleOf(
  job: BundleJob,
  toolbox: Toolbox,
  options: Options & { readonly doubted?: boolean },
  ctx: Context,
): Promise<Manifest> {
  const { vse, lock } = job;
  const { signer } = options;
  const { rootfs, unread, removed } = await obtainRootfs(vse, lock, toolbox, ctx, options);
  const input = {
    ...{ ...job, lockSha256: lockSha256(lock), rootfs, toolbox },
    ...(signer && { signer }),
  };
  const check = async (signal: AbortSignal): Promise<void> => {
    if ((await brokenSeal(rootfs.folder, signal)) !== undefined) throw new Damaged();
  };
  try {
    ctx.signal.throwIfAborted();
    if (!unread) return await writeBundle(input, ctx);
    // Beside the rest: what is made of a damaged tree is thrown away.
    const write = (signal: AbortSignal): Promise<Manifest> =>
      writeBundle(input, { ...ctx, signal });
    return (await sideBySide(ctx.signal, [write, check]))[0];
  } catch (e) {
    ctx.signal.throwIfAborted();
    // Damage may have ended the work before it was found.
    const damaged =
      e instanceof Damaged || (unread && (await brokenSeal(rootfs.folder, ctx.signal)));
    if (!damaged) throw e;
  } finally {
    await removed;
  }
  for (const name of readdirSync(job.folder)) rmSync(join(job.folder, name), { recursive: true });
  return bundleOf(job, toolbox, { ...options, doubted: true }, ctx);
}

/** The tree is not what was kept. */
class Damaged extends Error {}
