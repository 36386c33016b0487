/**
 * A site and somebody who builds on it, from the key to the image: a base with a policy goes into a
 * registry; a user of another account extends it, runs into the policy, takes a package out, is told
 * who still needs it, excludes it, and builds.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lock } from '../../repos/lock.ts';
import { installed } from '../builders/support/programs.ts';
import { startRegistry, type TestRegistry } from '../repos/support/registry.ts';
import { vsec, type Outcome } from '../support/vsec.ts';
import { judge } from './support/programs.ts';

const SITE = `vse: 1
name: site-base
version: 2026.1
extends: debian-12-repositories
add:
  packages: [logrotate, cron]
  files:
    /etc/motd: { source: ./motd }
protect:
  files: [/etc/motd]
`;

const environment = (reference: string, more = ''): string =>
  `vse: 1\nname: mine\nversion: 1.0.0\nextends: ${reference}\n${more}`;

describe.skipIf(!installed('docker-registry'))('a site and its user', () => {
  const root = mkdtempSync(join(tmpdir(), 'vsec-site-'));
  let registry: TestRegistry;
  let reference: string;
  let publicKey: string;

  beforeAll(async () => void (registry = await startRegistry()));
  afterAll(async () => {
    await registry?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  /** Each account has its own home, configuration and folder. */
  const as = (who: 'operator' | 'user', ...args: string[]): Promise<Outcome> => {
    const home = join(root, who);
    mkdirSync(join(home, '.config', 'vsec'), { recursive: true });
    const env = { HOME: home, XDG_CONFIG_HOME: join(home, '.config') };
    return vsec([...args, '--progress', 'plain'], { cwd: home, env });
  };
  const write = (who: string, name: string, text: string): void => {
    mkdirSync(join(root, who), { recursive: true });
    writeFileSync(join(root, who, name), text);
  };
  const lock = (): Lock =>
    JSON.parse(readFileSync(join(root, 'user', 'mine.lock.json'), 'utf8')) as Lock;
  const names = (): readonly string[] => lock().packages.map(({ name }) => name);

  it('the operator makes a key and publishes the base', async () => {
    publicKey = (await as('operator', 'key', '--new')).stdout.trim();
    expect(publicKey).toMatch(/^ssh-ed25519 /);
    write('operator', 'site.yaml', SITE);
    write('operator', 'motd', 'Batch jobs only.\n');
    const to = `oci://${registry.host}/site/base`;
    const published = await as('operator', 'publish', 'site.yaml', '--to', to);
    expect(published.stderr).toContain('2 files');
    const trust = `publishers: { 'oci://${registry.host}/site': '${publicKey}' }`;
    expect(published.stderr).toContain(trust);
    expect(published.stdout.trim()).toBe(`${to}:2026.1`);
    reference = published.stdout.trim();
  });

  it('the user has to say first whom they trust', async () => {
    write('user', 'mine.yaml', environment(reference));
    const refused = await as('user', 'check', 'mine.yaml');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('mine.yaml:4:10: error[REPO213]');
    const config = `publishers:\n  oci://${registry.host}/site: ${publicKey}\n`;
    await as('user', 'version');
    writeFileSync(join(root, 'user', '.config', 'vsec', 'config.yaml'), config);
    expect(await as('user', 'check', 'mine.yaml')).toMatchObject({ code: 0 });
    expect((await as('user', 'init', 'fresh', '--extends', reference)).stdout).toBe('fresh.yaml\n');
    expect(await as('user', 'check', 'fresh.yaml')).toMatchObject({ code: 0 });
    expect((await as('user', 'show', reference)).stdout).toContain('- cron #');
  });

  it('the policy stops them, and the message names the line of the site', async () => {
    const change = 'override: { files: { /etc/motd: { content: "Mine.\\n" } } }\n';
    write('user', 'mine.yaml', environment(reference, change));
    const { code, stderr } = await as('user', 'check', 'mine.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain("error[VSE053]: 'files./etc/motd' is protected by layer 'site-base'");
    expect(stderr).toContain(`${reference}/site.yaml:10:11: protected here`);
    expect(stderr).toContain('10 |   files: [/etc/motd]');
  });

  it('a removed package that is still needed: who needs it is said', async () => {
    write('user', 'mine.yaml', environment(reference, 'remove: { packages: [cron] }\n'));
    const { code, stderr } = await as('user', 'lock', 'mine.yaml');
    expect([code, stderr]).toEqual([0, expect.stringMatching(/warning\[SOLV\d+\].*cron/)]);
    expect(stderr).toMatch(/logrotate/);
    expect(stderr).toMatch(/exclude/);
    expect(names()).toContain('cron');
    expect(lock().bases).toEqual([
      {
        reference,
        digest: expect.stringMatching(/^sha256:/),
        version: '2026.1',
        signedBy: expect.stringMatching(/^SHA256:/),
      },
    ]);
  });

  it('excluded, it is gone, and the image is built without it', async () => {
    write(
      'user',
      'mine.yaml',
      environment(reference, 'remove: { packages: [cron] }\nexclude: { packages: [cron] }\n'),
    );
    const built = await as('user', 'build', 'mine.yaml', '--format', 'tar', '-O', 'out');
    expect([built.code, built.stderr]).toEqual([0, expect.any(String)]);
    expect(names()).not.toContain('cron');
    expect(names()).toContain('logrotate');
    const tar = join(root, 'user', 'out', 'mine_1.0.0_amd64', 'mine_1.0.0_amd64.tar');
    expect(judge('tar', ['-xOf', tar, './etc/motd']).output).toBe('Batch jobs only.');
    expect(judge('tar', ['-tf', tar, './usr/sbin/cron']).code).not.toBe(0);
  });

  it('a later build needs neither registry nor network', async () => {
    const again = await as(
      'user',
      'build',
      'mine.yaml',
      '--locked',
      '--offline',
      '--format',
      'tar',
    );
    expect([again.code, again.stderr]).toEqual([0, expect.any(String)]);
  });

  it('the bundle is published, and comes back whole', async () => {
    await as('user', 'key', '--new');
    const to = `oci://${registry.host}/site/mine`;
    const bundle = join('out', 'mine_1.0.0_amd64');
    const published = await as('user', 'publish', bundle, '--to', to);
    expect([published.code, published.stdout.trim()]).toEqual([0, `${to}:1.0.0`]);
    const refused = await as('operator', 'fetch', `${to}:1.0.0`, '-O', 'in');
    expect(refused.stderr).toContain('error[REPO213]');
    const key = (await as('user', 'key')).stdout.trim();
    writeFileSync(
      join(root, 'operator', '.config', 'vsec', 'config.yaml'),
      `publishers: { 'oci://${registry.host}/site': '${key}' }\n`,
    );
    const fetched = await as('operator', 'fetch', `${to}:1.0.0`, '-O', 'in');
    expect([fetched.code, fetched.stderr]).toEqual([0, expect.any(String)]);
    const folder = fetched.stdout.trim();
    expect(judge('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], folder)).toEqual({
      code: 0,
      output: '',
    });
  });
});
