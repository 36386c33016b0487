import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseDeb822, parseOneLine } from '../../repos/apt-sources.ts';
import { baseUrls, resolveMirror } from '../../repos/mirrors.ts';
import { diagnosticOf, scratch, testContext, textOf } from './support/context.ts';

const DEBIAN_12 = 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_CODENAME=bookworm\n';

/** A host with these files in /etc/apt, and vsec configuration. */
async function host(files: Readonly<Record<string, string>>, osRelease = DEBIAN_12) {
  const root = await scratch();
  const all = { ...files, 'os-release': osRelease };
  for (const [name, content] of Object.entries(all)) {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), content.replaceAll('ROOT', root));
  }
  const ctx = await testContext({
    env: { XDG_CONFIG_HOME: join(root, 'home'), XDG_CONFIG_DIRS: join(root, 'xdg') },
  });
  const options = { apt: join(root, 'apt'), osRelease: join(root, 'os-release') };
  return {
    ctx,
    options,
    resolve: (name: string, env = {}) =>
      resolveMirror(name, { env: { ...ctx.env, ...env } }, options),
  };
}

const SOURCES = `
Types: deb
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`;

test('the variable comes first, then the user, the system, and the host', async () => {
  const everything = {
    'apt/sources.list.d/debian.sources': SOURCES,
    'home/vsec/config.yaml': 'mirrors: {debian: [http://user.example/debian/]}\n',
    'xdg/vsec/config.yaml': 'mirrors: {debian: http://system.example, other: http://o.example}\n',
  };
  const { resolve } = await host(everything);
  const env = { VSEC_MIRROR_DEBIAN: ' http://a.example/debian/  file:///srv/debian ' };
  expect(await resolve('debian', env)).toEqual(['http://a.example/debian', 'file:///srv/debian']);
  expect(await resolve('debian')).toEqual(['http://user.example/debian']);
  expect(await resolve('other')).toEqual(['http://o.example']);
  expect(await resolve('debian-security')).toEqual(['http://mirror.example/debian-security']);
});

test('the name in the variable is in upper case with underscores', async () => {
  const { resolve } = await host({});
  const env = { VSEC_MIRROR_DEBIAN_SECURITY: 'http://a.example/s' };
  expect(await resolve('debian-security', env)).toEqual(['http://a.example/s']);
});

test('no address known: what to set, and exit code 2', async () => {
  const { resolve } = await host({});
  const found = await diagnosticOf(resolve('debian'));
  expect(found).toMatchObject({ code: 'REPO101', exitCode: 2 });
  expect(found.hint).toContain('export VSEC_MIRROR_DEBIAN=');
});

test.each([
  ['/srv/debian', 'REPO102'],
  ['ftp://mirror.example/debian', 'REPO102'],
])('%s is no address', async (url, code) => {
  const { resolve } = await host({});
  const found = await diagnosticOf(resolve('debian', { VSEC_MIRROR_DEBIAN: url }));
  expect(found).toMatchObject({ code, exitCode: 2 });
  expect(found.message).toContain('VSEC_MIRROR_DEBIAN');
});

test.each([
  ['mirrors: [a', 'is not YAML'],
  ['mirrors: {debian: 7}', 'is not right'],
])('bad configuration %j is named', async (config, message) => {
  const { resolve } = await host({ 'home/vsec/config.yaml': config });
  const found = await diagnosticOf(resolve('debian'));
  expect(found).toMatchObject({ code: 'REPO103', exitCode: 2 });
  expect(found.message).toContain(message);
});

test('other keys of the configuration are no concern of mirrors', async () => {
  const config = 'trust: {x: 1}\nmirrors: {debian: [http://a.example]}\n';
  const { resolve } = await host({ 'home/vsec/config.yaml': config });
  expect(await resolve('debian')).toEqual(['http://a.example']);
});

const oneLine = (text: string) => ({ 'apt/sources.list': text });

test.each<[what: string, name: string, text: string, expected: readonly string[]]>([
  [
    'one-line sources with options and comments',
    'debian',
    '# deb http://commented.example/debian bookworm main\n' +
      'deb-src http://source.example/debian bookworm main\n' +
      'deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main # here\n',
    ['http://mirror.example/debian'],
  ],
  [
    'several mirrors keep their order',
    'debian',
    'deb http://b.example/debian bookworm main\ndeb http://a.example/pub/debian/ bookworm main\n',
    ['http://b.example/debian', 'http://a.example/pub/debian'],
  ],
  [
    'the suites of the host tell an archive whose path does not',
    'debian-security',
    'deb http://security.example/ bookworm-security main\n',
    ['http://security.example'],
  ],
  [
    'third parties with such a path are not the archive',
    'debian',
    'deb http://vpn.example/stable/debian bookworm main\n' +
      'deb http://mirror.example/debian bookworm main\n' +
      'deb http://mirror.example/debian bookworm-updates main\n',
    ['http://mirror.example/debian'],
  ],
  [
    'a snapshot that the host uses',
    'debian',
    'deb http://snapshot.example/archive/debian/20250520T000000Z/ bookworm main\n',
    ['http://snapshot.example/archive/debian/20250520T000000Z'],
  ],
  ['without main it is not the archive', 'debian', 'deb http://a.example/debian any stable\n', []],
  ['other ways than http are passed over', 'debian', 'deb cdrom:[X]/debian bookworm main\n', []],
  [
    'the security archive is not the main one',
    'debian',
    'deb http://mirror.example/debian-security bookworm-security main\n',
    [],
  ],
])('apt: %s', async (_what, name, text, expected) => {
  const { resolve } = await host(oneLine(text));
  if (expected.length > 0) expect(await resolve(name)).toEqual(expected);
  else expect((await diagnosticOf(resolve(name))).code).toBe('REPO101');
});

test('apt: on another distribution, only paths tell', async () => {
  const text =
    'deb http://mirror.example/ubuntu noble main\ndeb http://a.example/debian sid main\n';
  const { resolve } = await host(oneLine(text), 'ID=ubuntu\nVERSION_CODENAME=noble\n');
  expect(await resolve('debian')).toEqual(['http://a.example/debian']);
  expect(await resolve('ubuntu')).toEqual(['http://mirror.example/ubuntu']);
  expect((await diagnosticOf(resolve('debian-security'))).code).toBe('REPO101');
});

test('apt: disabled sources and foreign file names do not count', async () => {
  const disabled = SOURCES.replace('Types: deb\n', 'Types: deb\nEnabled: no\n');
  const { resolve } = await host({
    'apt/sources.list.d/debian.sources': disabled,
    'apt/sources.list.d/old.sources.save': SOURCES.replaceAll('mirror.', 'old.'),
  });
  expect((await diagnosticOf(resolve('debian'))).code).toBe('REPO101');
  expect(await resolve('debian-security')).toEqual(['http://mirror.example/debian-security']);
});

test('apt: sources for other architectures do not count', async () => {
  const text =
    'deb [arch=arm64] http://ports.example/debian bookworm main\n' +
    'deb [ arch=amd64,i386 ] http://mirror.example/debian bookworm main\n';
  const { ctx, options } = await host(oneLine(text));
  const at = (...architectures: string[]) =>
    baseUrls({ mirror: 'debian' }, ctx, { ...options, architectures });
  expect(await at('amd64', 'all')).toEqual(['http://mirror.example/debian']);
  expect(await at('arm64')).toEqual(['http://ports.example/debian']);
});

test('apt: a mirror list in a file is read', async () => {
  const { resolve } = await host({
    ...oneLine('deb mirror+file:ROOT/mirrors.txt bookworm main\n'),
    'mirrors.txt': '# ours\nhttp://a.example/debian\tpriority:1\nhttp://b.example/debian\n',
  });
  expect(await resolve('debian')).toEqual(['http://a.example/debian', 'http://b.example/debian']);
});

test('deb822: continuation lines, comments, several addresses', () => {
  const text =
    'Types: deb deb-src\n# a comment\nURIs: http://a.example\n http://b.example\nSuites: x\n' +
    'Components: main\n  contrib\nArchitectures: amd64\n\n\nTypes: deb-src\nURIs: http://c.example\n';
  expect(parseDeb822(text)).toEqual([
    {
      uris: ['http://a.example', 'http://b.example'],
      suites: ['x'],
      components: ['main', 'contrib'],
      architectures: ['amd64'],
    },
  ]);
});

test('one line: tabs, and a flat archive', () => {
  expect(parseOneLine('deb\thttp://a.example\t./\n')).toEqual([
    { uris: ['http://a.example'], suites: ['./'], components: [], architectures: [] },
  ]);
});

test('a uri goes past all mirrors', async () => {
  const { ctx } = await host({});
  expect(await baseUrls({ uri: 'http://site.example/apt/' }, ctx)).toEqual([
    'http://site.example/apt',
  ]);
});

test('snapshots: from the variable, the configuration, or a clear error', async () => {
  const snapshot = '20250520T000000Z';
  const config = 'snapshots: {debian: "http://c.example/{timestamp}/debian"}\n';
  const { ctx } = await host({ 'home/vsec/config.yaml': config });
  const at = (env: Record<string, string>, mirror = 'debian') =>
    baseUrls({ mirror, snapshot }, { env: { ...ctx.env, ...env } });
  expect(await at({ VSEC_SNAPSHOT_DEBIAN: 'http://s.example/d/{timestamp}/' })).toEqual([
    'http://s.example/d/20250520T000000Z',
  ]);
  expect(await at({})).toEqual(['http://c.example/20250520T000000Z/debian']);
  const none = await diagnosticOf(at({}, 'other'));
  expect(none).toMatchObject({ code: 'REPO104', exitCode: 2 });
  expect(textOf(none)).toContain('VSEC_SNAPSHOT_OTHER');
  const bad = await diagnosticOf(at({ VSEC_SNAPSHOT_DEBIAN: 'http://s.example/debian' }));
  expect(bad.message).toContain('no {timestamp}');
  const fixed = baseUrls({ uri: 'http://site.example', snapshot }, ctx);
  expect((await diagnosticOf(fixed)).code).toBe('REPO104');
  expect(await baseUrls({ uri: 'http://site.example/{timestamp}', snapshot }, ctx)).toEqual([
    'http://site.example/20250520T000000Z',
  ]);
});
