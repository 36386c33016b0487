/** From a lock to the files of a bundle: what is loaded only when there is something to build. */
import { lockSha256 } from '../repos/lock-file.ts';
import type { Signer } from '../repos/signing/signer.ts';
import type { Context } from '../vse/report.ts';
import { writeBundle } from './bundle.ts';
import type { BundleInput } from './bundle.ts';
import type { Manifest } from './manifest.ts';
import { refuseWithoutShim } from './netboot/shim.ts';
import { obtainRootfs } from './obtain-rootfs.ts';
import type { RootfsOptions } from './obtain-rootfs.ts';
import { prepareToolbox } from './toolbox/prepare.ts';

type BundleJob = Pick<
  BundleInput,
  'vse' | 'lock' | 'stem' | 'input' | 'formats' | 'backends' | 'folder'
>;

/** Fills `job.folder`, which is empty, and returns what its manifest says. */
export async function makeBundle(
  job: BundleJob,
  options: RootfsOptions & { readonly signer?: Signer },
  ctx: Context,
): Promise<Manifest> {
  const { vse, lock } = job;
  const toolbox = await prepareToolbox(lock.toolbox, 'build toolbox', ctx);
  if (job.backends.some(({ shim }) => shim)) refuseWithoutShim(toolbox);
  const rootfs = await obtainRootfs(vse, lock, toolbox, ctx, options);
  ctx.signal.throwIfAborted();
  const { signer } = options;
  return writeBundle(
    { ...job, lockSha256: lockSha256(lock), rootfs, toolbox, ...(signer && { signer }) },
    ctx,
  );
}
