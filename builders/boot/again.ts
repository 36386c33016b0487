/** When a guest is started once more: what failed may have been the accelerator, and not the guest. */
import type { Diagnostic } from '../../vse/diagnostic.ts';
import { warning } from '../../vse/diagnostic.ts';
import type { Accelerator } from '../backend.ts';
import { explain } from './result.ts';
import type { Ending, Watched } from './watch.ts';

type Choices = readonly [Accelerator, ...Accelerator[]];

/**
 * For guests of Xen, whose host is emulated in the end: QEMU was seen to stop at an assertion of its
 * own under one, and another guest never came up, once in many times, for no reason that was found.
 */
export const emulatedTwice = (choices: Choices): Choices =>
  choices.at(-1) === 'tcg' ? [...choices, 'tcg'] : choices;

/**
 * Whether a guest that ended so with one accelerator may come up with the next. With the same one
 * again only where it was not said what is wrong.
 */
export function worthAnother(ending: Ending, one: Accelerator, next: Accelerator): boolean {
  switch (ending.kind) {
    case 'silent':
    case 'host-lost':
      return true;
    case 'exited':
      return one !== next && ending.end.code !== 0;
    case 'no-host':
      return worthAnother(ending.host, one, next);
    default:
      return false;
  }
}

/** BOOT035: why there was another attempt. */
export function startedAgain(watched: Watched, one: Accelerator, next: Accelerator): Diagnostic {
  const same = one === next;
  const message = same
    ? 'the first attempt came to nothing'
    : `with ${one} the guest gave no sign of life`;
  return warning('BOOT035', message, {
    notes: explain(watched, one).flatMap(({ message: why, notes }) => [{ message: why }, ...notes]),
    hint: same ? 'it was started again, in a new host' : `it was started again with ${next}`,
  });
}
