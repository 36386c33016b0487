/** Messages of commands that compare and find things. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { obtainLock } from '../../cli/obtain-lock.ts';
import type { Session } from '../../cli/session.ts';
import { serialiseLock } from '../../repos/lock-file.ts';
import type { Lock } from '../../repos/lock.ts';
import { packagesDigest } from '../../repos/packages-digest.ts';
import type { Diagnostic } from '../../vse/diagnostic.ts';
import { loadVseOrThrow } from '../../vse/load.ts';
import { vsec } from '../support/vsec.ts';

const dir = mkdtempSync(join(tmpdir(), 'vsec-messages-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const hex = '1'.repeat(64);
const lock: Lock = {
  vsecLock: 1,
  vse: { name: 'env', version: '1', digest: `sha256:${hex}` },
  distribution: { id: 'debian', release: 'bookworm', architecture: 'amd64' },
  ...{ stages: [{ layers: ['env'] }], repositories: [], indexes: [], epoch: 0, packages: [] },
  toolbox: { digest: packagesDigest([]), repositories: [], packages: [] },
};

beforeAll(() => {
  writeFileSync(join(dir, 'env.yaml'), 'vse: 1\nname: env\nextends: debian-12-repositories\n');
  writeFileSync(join(dir, 'stale.yaml'), 'vse: 1\nname: env\nextends: debian-12-repositories\n');
  for (const name of ['stale', 'other'])
    writeFileSync(join(dir, `${name}.lock.json`), serialiseLock(lock));
});

const run = (...args: string[]) => vsec(args, { cwd: dir });

it('CLI009: nothing that both sides can tell', async () => {
  const { code, stderr } = await run('diff', 'env.yaml', 'other.lock.json');
  expect([code, stderr]).toEqual([2, expect.stringContaining('error[CLI009]')]);
});

it('CLI011: neither a bundle nor an environment', async () => {
  const { code, stderr } = await run('boot', 'env_1_amd64');
  expect([code, stderr]).toEqual([2, expect.stringContaining('error[CLI011]')]);
});

it('CLI031: the lock beside an environment is of an earlier state', async () => {
  const { stderr } = await run('diff', 'stale.yaml', 'other.lock.json');
  expect(stderr).toContain('warning[CLI031]');
});

it('CLI030: a lock that was made without checking signatures', async () => {
  const path = join(dir, 'env.yaml');
  const { vse } = await loadVseOrThrow(path, { cwd: dir, env: {} });
  const mine = { ...lock, insecure: true as const, vse: { ...lock.vse, digest: vse.digest } };
  writeFileSync(join(dir, 'env.lock.json'), serialiseLock(mine));
  const said: Diagnostic[] = [];
  const session = { diagnose: (d: readonly Diagnostic[]) => said.push(...d) };
  const settings = { locked: true, insecure: false };
  await obtainLock(path, vse, session as unknown as Session, settings);
  expect(said).toMatchObject([{ code: 'CLI030', severity: 'warning' }]);
  rmSync(join(dir, 'env.lock.json'));
});

it('SOLV142: a lock that does not hold together, unless something was made of exactly it', async () => {
  const path = join(dir, 'env.yaml');
  const { vse } = await loadVseOrThrow(path, { cwd: dir, env: {} });
  const toolbox = { ...lock.toolbox, digest: `sha256:${hex}` };
  const mine = { ...lock, toolbox, vse: { ...lock.vse, digest: vse.digest } };
  writeFileSync(join(dir, 'env.lock.json'), serialiseLock(mine));
  const session = {} as Session;
  const settings = { locked: true, insecure: false };
  const obtain = (proven: boolean) =>
    obtainLock(path, vse, session, settings, () => Promise.resolve(proven));
  await expect(obtain(false)).rejects.toMatchObject({ diagnostics: [{ code: 'SOLV142' }] });
  expect(await obtain(true)).toEqual(mine);
  rmSync(join(dir, 'env.lock.json'));
});
