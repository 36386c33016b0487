/** The bundled programs of ours that run beside the main one. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failure } from '../vse/diagnostic.ts';

/** Absolute path of a file in `dist/` of the package; `VsecError` BUILD181 where it is missing. */
export function programFile(name: string): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const path = join(dir, 'dist', name);
    if (existsSync(join(dir, 'package.json')) && existsSync(path)) return path;
    if (dirname(dir) === dir)
      throw failure('BUILD181', `the bundled program ${name} is missing`, { hint: "run 'npm ci'" });
  }
}
