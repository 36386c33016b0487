/** What is said when the content of an image does not fit into it. */
import { failure, type VsecError } from '../../vse/diagnostic.ts';

const mib = (bytes: number): string => `${Math.ceil(bytes / (1 << 20))} MiB`;

/** BUILD192: `asked` and, where that is known, at least `needed` bytes. */
export const tooSmall = (asked: number, needed?: number): VsecError =>
  failure('BUILD192', `the image's size is too small for what is in it`, {
    notes: [
      { message: 'option image.size' },
      {
        message: `${mib(asked)} asked for${needed === undefined ? '' : `, at least ${mib(needed)} needed`}`,
      },
    ],
    hint: 'use a larger size, or auto',
  });

/** BUILD195: the file at `path`, of so many bytes. */
export const tooLarge = (path: string, bytes: number): VsecError =>
  failure('BUILD195', `/${path} is too large for a disk image: ${mib(bytes)}`, {
    hint: 'keep it on a disk of its own, or build trees alone with --format tar',
  });
