/** Writing a file of the user's, and never over another one. */
import { writeFileSync } from 'node:fs';
import { failure } from '../vse/diagnostic.ts';

/** @throws CLI007 when there is one of that name */
export function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw failure('CLI007', `There is a file '${file}' already`, {
      hint: 'Choose another name, or remove that file first; it was not touched.',
    });
  }
}
