/** Against the real archives, by whatever mirror this machine is set up with. */
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { loadIndexes } from '../../repos/deb/load-indexes.ts';
import { parseParagraphs } from '../../repos/deb/deb822.ts';
import { fetchPackages } from '../../repos/fetch-packages.ts';
import type { LockedPackage } from '../../repos/lock.ts';
import { Store } from '../../repos/store.ts';
import type { RepositoryConfig } from '../../vse/types.ts';
import { testContext } from './support/context.ts';

/** The keys that Debian itself installs; absent on other hosts. */
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

const archive = (mirror: string, ...suites: string[]): RepositoryConfig => ({
  type: 'deb',
  mirror,
  suites,
  components: ['main'],
  signedBy: [KEYS],
});

const realContext = () => testContext({ env: process.env });

test.skipIf(!existsSync(KEYS)).each([
  ['debian', ['bookworm', 'bookworm-updates']],
  ['debian-security', ['bookworm-security']],
  ['debian', ['trixie']],
] as const)('%s: %j', async (mirror, suites) => {
  const ctx = await realContext();
  const { indexes, packages, warnings } = await loadIndexes(
    'real',
    archive(mirror, ...suites),
    ['amd64'],
    ctx,
  );
  expect(warnings).toEqual([]);
  expect(indexes.map(({ suite }) => suite)).toEqual(suites);
  for (const { signedBy } of indexes) expect(signedBy).toMatch(/^[0-9A-F]{40}$/);
  expect(packages).toHaveLength(suites.length);
  expect(await readFile(packages[0]?.path ?? '', 'latin1')).toContain('\nArchitecture: amd64\n');
  const offline = { ...ctx, offline: true };
  const again = await loadIndexes('real', archive(mirror, ...suites), ['amd64'], offline);
  expect(again.packages).toEqual(packages);
});

test.skipIf(!existsSync(KEYS))('real packages arrive whole', async () => {
  const ctx = await realContext();
  const { packages } = await loadIndexes('real', archive('debian', 'bookworm'), ['amd64'], ctx);
  const text = await readFile(packages[0]?.path ?? '', 'utf8');
  const wanted = parseParagraphs(text.slice(0, 400_000))
    .slice(0, -1)
    .sort((a, b) => Number(a.get('size')) - Number(b.get('size')))
    .slice(0, 30)
    .map((fields): LockedPackage => ({
      name: fields.get('package') ?? '',
      version: fields.get('version') ?? '',
      architecture: fields.get('architecture') ?? '',
      sha256: fields.get('sha256') ?? '',
      size: Number(fields.get('size')),
      repository: 'real',
      stage: 0,
      reason: '',
      filename: fields.get('filename') ?? '',
      installedSize: 0,
    }));
  const repositories = [{ name: 'real', type: 'deb', mirror: 'debian' }];
  const paths = await fetchPackages(wanted, repositories, ctx);
  expect(paths.size).toBe(wanted.length);
  const store = new Store(ctx.cacheDir);
  for (const { sha256, size } of wanted) {
    expect(await store.verify(sha256)).toBe(true);
    expect((await stat(paths.get(sha256) ?? '')).size).toBe(size);
  }
});
