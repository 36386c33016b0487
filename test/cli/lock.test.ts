/** What `vsec lock` says before it asks any repository. */
import { expect, it } from 'vitest';
import { vsec } from '../support/vsec.ts';

it('takes names of packages only to upgrade them', async () => {
  const { code, stdout, stderr } = await vsec(['lock', 'debian-12', 'libssl3', 'curl']);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain("error[CLI006]: Unexpected argument 'libssl3'");
  expect(stderr).toContain("'vsec lock debian-12 --upgrade libssl3 curl'");
});
