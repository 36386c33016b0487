/** A private folder for one boot. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { abandonedIn, runName } from '../../repos/leftovers.ts';
import { failure } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';

const PREFIX = 'vsec-boot-';

/** Makes a folder below `$TMPDIR` or /tmp; BOOT009 when that cannot be. Takes up those of killed boots. */
export function makeScratch(ctx: Pick<Context, 'env'>): string {
  const parent = ctx.env['TMPDIR'] || '/tmp';
  for (const left of abandonedIn(parent, PREFIX))
    try {
      rmSync(left, { recursive: true, force: true });
    } catch {
      // Of another user.
    }
  const path = join(parent, `${PREFIX}${runName()}`);
  try {
    mkdirSync(path, { mode: 0o700 });
    return path;
  } catch (problem) {
    throw failure('BOOT009', `cannot make a temporary folder in ${parent}`, {
      notes: [{ message: (problem as Error).message }],
      hint: 'set TMPDIR to a folder with some free space',
    });
  }
}
