/** A copy of the program that every user of the machine can read, wherever the checkout lies. */
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BIN } from '../../support/vsec.ts';

const PARTS = ['bin', 'dist', 'scripts', 'templates', 'vse', 'repos', 'builders', 'cli'];

/** Copies what `bin/vsec` needs to run into `folder`; returns the path of the copied program. */
export function copyProgram(folder: string): string {
  const root = dirname(dirname(BIN));
  mkdirSync(folder, { recursive: true });
  for (const name of [...PARTS, 'package.json'])
    if (existsSync(join(root, name)))
      cpSync(join(root, name), join(folder, name), { recursive: true, preserveTimestamps: true });
  return join(folder, 'bin/vsec');
}
