/** Which accelerator works on this host. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { failure } from '../../vse/diagnostic.ts';
import type { Accelerator, Backend } from '../backend.ts';

export type AcceleratorChoice = 'auto' | Accelerator;

/**
 * Why KVM cannot be used, or `undefined` when it can. The device alone proves nothing: it may open
 * and answer where the processor cannot virtualize, and guests hang as soon as they start.
 */
export function kvmObstacle(device = '/dev/kvm', cpuinfo = '/proc/cpuinfo'): string | undefined {
  let flags: string;
  try {
    flags = readFileSync(cpuinfo, 'utf8');
  } catch {
    return `${cpuinfo} cannot be read`;
  }
  if (!/^flags\b.*\b(vmx|svm)\b/m.test(flags))
    return 'the processor shows neither vmx nor svm: it cannot virtualize here';
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (problem) {
    return (problem as NodeJS.ErrnoException).code === 'ENOENT'
      ? `there is no ${device}`
      : `${device} may not be opened`;
  }
}

/**
 * The accelerators to try, in this order; BOOT003 when the one that must be used cannot be.
 * `obstacle` is what `kvmObstacle` found.
 */
export function accelerators(
  backend: Backend,
  choice: AcceleratorChoice,
  obstacle: string | undefined,
): readonly [Accelerator, ...Accelerator[]] {
  const offered = backend.accelerators ?? ['kvm', 'tcg'];
  const wanted = choice === 'auto' ? offered : [choice];
  const [best, ...others] = wanted.filter((one) => one !== 'kvm' || obstacle === undefined);
  if (best !== undefined) return [best, ...others];
  throw failure('BOOT003', `KVM does not work on this host`, {
    notes: [{ message: obstacle ?? '' }],
    hint:
      backend.name === 'qemu'
        ? 'leave out --accelerator: QEMU then emulates the processor'
        : 'boot with --backend qemu, which also runs without',
  });
}
