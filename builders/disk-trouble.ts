/** Full and read-only disks, whoever met them: our own code or a program that it ran. */
import { ioFailure } from '../repos/io-errors.ts';
import { VsecError } from '../vse/diagnostic.ts';

const FULL =
  /no space left on device|disk quota exceeded|enospc|edquot|wrote only \d+ of \d+ bytes/i;

/**
 * What to tell of an error that a disk may be the reason of; other errors are given back.
 *
 * @param doing what was being done, to follow "cannot": `write the bundle`
 * @param folder where on the disk
 */
export function diskTrouble(e: unknown, doing: string, folder: string): unknown {
  if (!(e instanceof VsecError)) return ioFailure(e, doing, folder);
  const told = e.diagnostics.flatMap((d) => [d.message, ...d.notes.map((note) => note.message)]);
  if (e.diagnostics[0]?.code.startsWith('REPO') || !told.some((line) => FULL.test(line))) return e;
  const full = Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' });
  const found = ioFailure(full, doing, folder) as VsecError;
  return new VsecError(
    found.diagnostics.map((d) => ({
      ...d,
      notes: [...d.notes, ...told.map((message) => ({ message }))],
    })),
  );
}
