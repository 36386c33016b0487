/** Several architectures in one lock: taking one out, and putting them together. */
import type { Lock, LockFile } from './lock.ts';

/** The lock of one architecture by itself; undefined when there is none. */
export function lockOf(file: LockFile, architecture: string): Lock | undefined {
  if (!file.otherArchitectures) {
    return file.distribution.architecture === architecture ? file : undefined;
  }
  const { otherArchitectures, ...own } = file;
  if (own.distribution.architecture === architecture) return own;
  const other = otherArchitectures.find((one) => one.distribution.architecture === architecture);
  return other && { vsecLock: own.vsecLock, ...other, toolbox: own.toolbox };
}

/** The environment's own architecture first. */
export const architecturesOf = ({ distribution, otherArchitectures = [] }: LockFile): string[] => [
  distribution.architecture,
  ...otherArchitectures.map((other) => other.distribution.architecture),
];

/** All are built with the same tools. */
export function lockFileOf(own: Lock, others: readonly Lock[]): LockFile {
  if (others.length === 0) return own;
  const byArchitecture = others.toSorted((a, b) =>
    a.distribution.architecture < b.distribution.architecture ? -1 : 1,
  );
  return {
    ...own,
    otherArchitectures: byArchitecture.map(({ vsecLock: _, toolbox: __, ...rest }) => rest),
  };
}
