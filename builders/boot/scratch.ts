/** A private folder for one boot. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';

/** Makes a folder below `$TMPDIR` or /tmp; BOOT009 when that cannot be. */
export function makeScratch(ctx: Context): string {
  const parent = ctx.env['TMPDIR'] || '/tmp';
  try {
    return mkdtempSync(join(parent, 'vsec-boot-'));
  } catch (problem) {
    throw failure('BOOT009', `cannot make a temporary folder in ${parent}`, {
      notes: [{ message: (problem as Error).message }],
      hint: 'set TMPDIR to a folder with some free space',
    });
  }
}
