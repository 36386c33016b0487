/** Registries that want a login, by password or by token: Debian's own, with the logins people have. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installed } from '../builders/support/programs.ts';
import { vsec, type Outcome } from '../support/vsec.ts';
import { startRegistry, type TestRegistry } from './support/registry.ts';
import { startTokenServer, type TokenServer } from './support/token-server.ts';

/** Of the password `secret`, as htpasswd(1) would have it. */
const BCRYPT = '$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a';
const BASE = 'vse: 1\nname: base\nversion: 1\nextends: debian-12-repositories\n';

let root = '';
beforeAll(() => void (root = mkdtempSync(join(tmpdir(), 'vsec-login-'))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Somebody's account on this machine; `auths` is what `docker login` leaves. */
class Account {
  readonly #env: Readonly<Record<string, string>>;
  readonly #home: string;

  constructor(name: string, auths?: object) {
    this.#home = join(root, name);
    mkdirSync(join(this.#home, '.docker'), { recursive: true });
    this.#env = { HOME: this.#home, XDG_CONFIG_HOME: join(this.#home, '.config') };
    if (auths) this.write('.docker/config.json', JSON.stringify({ auths }));
  }

  write(name: string, text: string): void {
    mkdirSync(join(this.#home, name, '..'), { recursive: true });
    writeFileSync(join(this.#home, name), text);
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    const cacheDir = { VSEC_CACHE_DIR: join(this.#home, 'cache') };
    return vsec(args, { cwd: this.#home, env: { ...this.#env, ...cacheDir, ...env } });
  }

  async publish(to: string): Promise<Outcome> {
    this.write('base.yaml', BASE);
    return this.run(['publish', 'base.yaml', '--to', to]);
  }

  /** Whether an environment that extends the base can be had; whom to trust is settled. */
  async check(reference: string, key: string, env?: Readonly<Record<string, string>>) {
    this.write(
      '.config/vsec/config.yaml',
      `publishers: { '${reference.replace(/:1$/, '')}': '${key}' }\n`,
    );
    this.write('mine.yaml', `vse: 1\nname: mine\nextends: ${reference}\n`);
    return this.run(['check', 'mine.yaml'], env);
  }
}

const loginAs = (host: string, login: string) => ({ [host]: { auth: btoa(login) } });

describe.skipIf(!installed('docker-registry'))('a registry that asks for a password', () => {
  let registry: TestRegistry;
  beforeAll(async () => {
    const passwords = join(root, 'htpasswd');
    writeFileSync(passwords, `me:${BCRYPT}\n`);
    registry = await startRegistry(`{htpasswd: {realm: here, path: ${passwords}}}`);
  });
  afterAll(() => registry?.stop());

  it('takes those who have logged in, by whichever file, and tells others how to', async () => {
    const to = `oci://${registry.host}/site/base`;
    const stranger = new Account('stranger');
    await stranger.run(['key', '--new']);
    const refused = await stranger.publish(to);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('error[REPO204]')]);
    expect(refused.stderr).toContain(`podman login ${registry.host}`);

    const wrong = new Account('wrong', loginAs(registry.host, 'me:guess'));
    await wrong.run(['key', '--new']);
    expect((await wrong.publish(to)).stderr).toContain('error[REPO204]');

    const me = new Account('me', loginAs(registry.host, 'me:secret'));
    const key = (await me.run(['key', '--new'])).stdout.trim();
    expect(await me.publish(to)).toMatchObject({ code: 0, stdout: `${to}:1\n` });

    expect((await stranger.check(`${to}:1`, key)).stderr).toContain('error[REPO204]');
    stranger.write('auth.json', JSON.stringify({ auths: loginAs(registry.host, 'me:secret') }));
    const file = { REGISTRY_AUTH_FILE: join(root, 'stranger', 'auth.json') };
    expect(await stranger.check(`${to}:1`, key, file)).toMatchObject({ code: 0 });
  });
});

const judges = installed('docker-registry') && installed('openssl');
describe.skipIf(!judges)('a registry that asks for a token', () => {
  let registry: TestRegistry;
  let tokens: TokenServer;
  let key = '';
  beforeAll(async () => {
    tokens = await startTokenServer({ 'op:secret': 'pull,push', 'user:pass': 'pull', '-': '' });
    registry = await startRegistry(tokens.auth);
  });
  afterAll(async () => {
    await registry?.stop();
    await tokens?.stop();
  });

  it('lets each do what its token server lets them', async () => {
    const to = `oci://${registry.host}/site/base`;
    const operator = new Account('operator', loginAs(registry.host, 'op:secret'));
    key = (await operator.run(['key', '--new'])).stdout.trim();
    expect(await operator.publish(to)).toMatchObject({ code: 0, stdout: `${to}:1\n` });
    expect(tokens.asked).toContain('op vsec test registry repository:site/base:pull,push');

    const user = new Account('user', loginAs(registry.host, 'user:pass'));
    expect(await user.check(`${to}:1`, key)).toMatchObject({ code: 0 });
    expect(tokens.asked.at(-1)).toBe('user vsec test registry repository:site/base:pull');
    await user.run(['key', '--new']);
    const pushed = await user.publish(`oci://${registry.host}/site/other`);
    expect([pushed.code, pushed.stderr]).toEqual([1, expect.stringContaining('error[REPO204]')]);

    const nobody = new Account('nobody');
    expect((await nobody.check(`${to}:1`, key)).stderr).toContain('error[REPO204]');
    const wrong = new Account('mistaken', loginAs(registry.host, 'user:guess'));
    const { code, stderr } = await wrong.check(`${to}:1`, key);
    expect([code, stderr]).toEqual([2, expect.stringContaining('error[REPO204]')]);
    expect(stderr).toMatch(/127\.0\.0\.1:\d+ answers 401/);
  });

  it.each(['<html>', '{}', '{"token": 7}', '{"token": "a\\r\\nb: c"}'])(
    'whose token server answers %s is told about',
    async (answer) => {
      tokens.answer = answer;
      const user = new Account(`odd${answer.length}`, loginAs(registry.host, 'user:pass'));
      const { stderr } = await user.check(`oci://${registry.host}/site/base:1`, key);
      tokens.answer = undefined;
      expect(stderr).toContain('answers without a token');
    },
  );
});
