import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openIndex } from '../../repos/deb/index-cache.ts';
import { knownPackageNames } from '../../repos/known-names.ts';
import { toStanzas } from '../support/toy-universe.ts';
import { scratch, testContext } from './support/context.ts';
import { writeFileSync } from 'node:fs';

it('names are those of packages in any cached index, not of what they only provide', async () => {
  const ctx = await testContext();
  expect(await knownPackageNames('lib', ctx)).toEqual([]);
  const file = join(await scratch(), 'Packages');
  writeFileSync(file, toStanzas('libb\n liba\n gcc'));
  await openIndex(file, 'a'.repeat(64), ctx);
  await mkdir(join(ctx.cacheDir, 'universe', '.partial'), { recursive: true });
  await copyFile(file, join(ctx.cacheDir, 'universe', 'README'));
  expect(await knownPackageNames('lib', ctx)).toEqual(['liba', 'libb']);
});
