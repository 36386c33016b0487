/** Programs that tests ask for a second opinion; they may be missing. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Is `program` installed on this host? */
export function installed(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
