import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadIndexes } from '../../repos/deb/load-indexes.ts';
import type { Context } from '../../vse/report.ts';
import type { RepositoryConfig } from '../../vse/types.ts';
import { packagesText, sha256, writeArchive, type ArchiveOptions } from './support/archive.ts';
import { diagnosticOf, filesBelow, scratch, textOf, type TestContext } from './support/context.ts';
import { newKey, pin, signCleartext, type SigningKey } from './support/keys.ts';
import { MirrorServer } from './support/server.ts';
import { withSignedMirror } from './support/signed-mirror.ts';

const HOUR = 3600 * 1000;
const PACKAGES = { hello: Buffer.from('hello'), world: Buffer.from('world') };
const hoursAgo = (hours: number) => new Date(Date.now() - hours * HOUR);

let key: SigningKey;
let root: string;
let server: MirrorServer;
let repository: RepositoryConfig;
let ctx: TestContext;

withSignedMirror((made) => {
  ({ key, root, server, ctx } = made);
  const signedBy = [made.keyFile];
  repository = { type: 'deb', mirror: 'test', suites: ['stable'], components: ['main'], signedBy };
});

const publish = (options: ArchiveOptions = {}) =>
  writeArchive(root, key, { date: hoursAgo(3), packages: PACKAGES, ...options });

const load = (changes: Partial<RepositoryConfig> = {}, context: Context = ctx) =>
  loadIndexes('test', { ...repository, ...changes }, ['amd64'], context);

/** The release is refused: nothing of it is remembered. */
const refused = async (options: ArchiveOptions, changes: Partial<RepositoryConfig> = {}) => {
  await publish(options);
  const found = await diagnosticOf(load(changes));
  expect(await filesBelow(ctx.cacheDir)).toEqual([]);
  return found;
};

/** The release is right, and what it lists is refused: no such file is kept. */
const refusedFile = async (options: ArchiveOptions, changes: Partial<RepositoryConfig> = {}) => {
  await publish(options);
  const found = await diagnosticOf(load(changes));
  expect(await filesBelow(join(ctx.cacheDir, 'indexes')).catch(() => [])).toEqual([]);
  return found;
};

test('a signed archive: its indexes, its Packages files, and who vouched', async () => {
  const date = new Date(Math.floor(hoursAgo(3).getTime() / 1000) * 1000);
  await publish({ date });
  const { indexes, packages, warnings, insecure } = await load();
  const inRelease = await readFile(join(root, 'dists/stable/InRelease'));
  expect(indexes).toEqual([
    {
      repository: 'test',
      suite: 'stable',
      sha256: sha256(inRelease),
      date: date.toISOString(),
      signedBy: key.fingerprint,
    },
  ]);
  const text = packagesText(PACKAGES);
  expect(packages).toEqual([
    {
      repository: 'test',
      suite: 'stable',
      component: 'main',
      architecture: 'amd64',
      priority: 500,
      path: join(ctx.cacheDir, 'indexes', sha256(text)),
      sha256: sha256(text),
    },
  ]);
  expect(await readFile(packages[0]?.path ?? '', 'utf8')).toBe(text);
  expect({ warnings, insecure }).toEqual({ warnings: [], insecure: false });
  const gz = server.paths()[1] ?? '';
  expect(gz).toMatch(/^\/dists\/stable\/main\/binary-amd64\/by-hash\/SHA256\/[0-9a-f]{64}$/);
});

test('what is unchanged is not fetched again', async () => {
  await publish();
  const first = await load();
  const asked = server.requests.length;
  expect(await load()).toEqual(first);
  expect(server.paths().slice(asked)).toEqual(['/dists/stable/InRelease']);
});

test('a server that knows ETags sends an unchanged InRelease only once', async () => {
  await publish();
  let sent = 0;
  server.misbehave = (request, response, content) => {
    if (request.headers['if-none-match'] === '"one"') {
      response.writeHead(304).end();
      return true;
    }
    if (!request.url?.endsWith('InRelease')) return false;
    sent++;
    response.writeHead(200, { etag: '"one"' }).end(content);
    return true;
  };
  const first = await load();
  expect(await load()).toEqual(first);
  expect(sent).toBe(1);
});

test('a newer archive is taken', async () => {
  await publish();
  const first = await load();
  await publish({ date: hoursAgo(1), packages: { new: Buffer.from('new') } });
  const second = await load();
  expect(second.packages[0]?.sha256).not.toBe(first.packages[0]?.sha256);
  expect(Date.parse(second.indexes[0]?.date ?? '')).toBeGreaterThan(
    Date.parse(first.indexes[0]?.date ?? ''),
  );
});

test('an older archive is refused, by any mirror', async () => {
  await publish({ date: hoursAgo(1) });
  await load();
  await publish({ date: hoursAgo(5) });
  const other = await MirrorServer.start(root);
  const env = { ...ctx.env, VSEC_MIRROR_TEST: other.url };
  const found = await diagnosticOf(load({}, { ...ctx, env }));
  await other.stop();
  expect(found).toMatchObject({ code: 'REPO126', exitCode: 1 });
  expect(textOf(found)).toContain('seen before');
});

test('a mirror that lags behind is passed over for one that does not', async () => {
  await publish({ date: hoursAgo(1) });
  const fresh = await load();
  const old = await scratch();
  await writeArchive(old, key, { date: hoursAgo(5), packages: PACKAGES });
  const lagging = await MirrorServer.start(old);
  const env = { ...ctx.env, VSEC_MIRROR_TEST: `${lagging.url} ${server.url}` };
  const result = await load({}, { ...ctx, env });
  await lagging.stop();
  expect(result.indexes).toEqual(fresh.indexes);
  expect(result.warnings).toMatchObject([{ code: 'REPO191', severity: 'warning' }]);
});

test('an expired index is refused, with its date', async () => {
  const found = await refused({ date: hoursAgo(50), validUntil: hoursAgo(2) });
  expect(found).toMatchObject({ code: 'REPO125', exitCode: 1 });
  expect(found.message).toContain(hoursAgo(2).toISOString().slice(0, 13));
});

test('a snapshot is as valid as it was at its time', async () => {
  await publish({ date: hoursAgo(50), validUntil: hoursAgo(2) });
  const env = { ...ctx.env, VSEC_SNAPSHOT_TEST: `${server.url}/{timestamp}/..` };
  const snapshot = hoursAgo(20)
    .toISOString()
    .replace(/[-:]|\.\d+/g, '');
  expect((await load({ snapshot }, { ...ctx, env })).packages).toHaveLength(1);
});

test('an index from the future is refused', async () => {
  const found = await refused({ date: hoursAgo(-30) });
  expect(found).toMatchObject({ code: 'REPO131', exitCode: 1 });
  expect(found.hint).toContain('clock');
});

test('another suite, rightly signed, is refused', async () => {
  const found = await refused({ fields: { Suite: 'testing', Codename: 'next' } });
  expect(found).toMatchObject({ code: 'REPO127', exitCode: 1 });
  expect(found.message).toContain('testing or next');
});

test('a component or an architecture that is not there: which there are', async () => {
  const component = await refusedFile({}, { components: ['main', 'contrib'] });
  expect(component).toMatchObject({ code: 'REPO128', exitCode: 2 });
  expect(textOf(component)).toContain('it has main');
  const architecture = await refusedFile({ date: hoursAgo(2), architectures: ['arm64'] });
  expect(architecture).toMatchObject({ code: 'REPO129', exitCode: 2 });
  expect(textOf(architecture)).toContain('it has arm64');
});

test('a security archive writes its components with a prefix', async () => {
  await publish({ fields: { Components: 'updates/main' } });
  expect((await load()).packages).toHaveLength(1);
});

test('packages of architecture all in a file of their own', async () => {
  await publish({ architectures: ['amd64', 'all'] });
  expect((await load()).packages.map((p) => p.architecture)).toEqual(['amd64', 'all']);
  const fields = { 'No-Support-for-Architecture-all': 'Packages' };
  await publish({ architectures: ['amd64', 'all'], fields, date: hoursAgo(1) });
  expect((await load()).packages.map((p) => p.architecture)).toEqual(['amd64']);
});

test('a tampered InRelease is refused', async () => {
  await publish();
  const path = join(root, 'dists/stable/InRelease');
  await writeFile(path, (await readFile(path, 'utf8')).replace('Origin: Test', 'Origin: Best'));
  const found = await diagnosticOf(load());
  expect(found).toMatchObject({ code: 'REPO120', exitCode: 1 });
  expect(textOf(found)).toContain(server.url);
  expect(await filesBelow(ctx.cacheDir)).toEqual([]);
});

test('a release without SHA-256 sums, or without a date, is refused', async () => {
  const weak = await refused({ edit: (text) => text.replace('SHA256:', 'SHA1:') });
  expect(weak).toMatchObject({ code: 'REPO130', exitCode: 1 });
  const undated = await refused({ fields: { Date: 'yesterday' } });
  expect(undated).toMatchObject({ code: 'REPO130', exitCode: 1 });
});

const flip = (bytes: Buffer) => {
  const changed = Buffer.from(bytes);
  changed[9] = (changed[9] ?? 0) ^ 1;
  return changed;
};

test('a tampered Packages file is refused, and nothing of it stays', async () => {
  await publish();
  server.misbehave = (request, response, content) => {
    if (!content || request.url?.endsWith('InRelease')) return false;
    response.end(flip(content));
    return true;
  };
  const found = await diagnosticOf(load());
  expect(found).toMatchObject({ code: 'REPO140', exitCode: 1 });
  expect(found.message).toContain('main/amd64 of the index stable of repository test');
  expect(await filesBelow(join(ctx.cacheDir, 'indexes'))).toEqual([]);
});

test('a mirror that changes between InRelease and Packages is asked once more', async () => {
  await publish({ date: hoursAgo(5), byHash: false });
  let changed = false;
  server.misbehave = async (request, response) => {
    if (changed || request.url?.endsWith('InRelease')) return false;
    changed = true;
    const packages = { ...PACKAGES, more: Buffer.from('more') };
    await publish({ date: hoursAgo(1), byHash: false, packages });
    response.end(await readFile(join(root, request.url ?? '')));
    return true;
  };
  const { indexes, packages } = await load();
  expect(new Date(indexes[0]?.date ?? 0) > hoursAgo(2)).toBe(true);
  expect(await readFile(packages[0]?.path ?? '', 'utf8')).toContain('Package: more');
  expect(server.paths().filter((path) => path.endsWith('InRelease'))).toHaveLength(2);
});

test('a mirror whose InRelease and Packages never fit is given up', async () => {
  await publish({ date: hoursAgo(5), byHash: false });
  const old = await readFile(join(root, 'dists/stable/InRelease'));
  await publish({ date: hoursAgo(1), byHash: false, packages: { other: Buffer.from('other') } });
  await writeFile(join(root, 'dists/stable/InRelease'), old);
  const found = await diagnosticOf(load());
  expect(found.code).toBe('REPO140');
  expect(found.hint).toContain('in the middle of an update');
  expect(server.paths().filter((path) => path.endsWith('InRelease'))).toHaveLength(2);
});

test('sums of the compressed and of the plain file must both hold', async () => {
  const text = packagesText(PACKAGES);
  const other = sha256(`${text}x`);
  const found = await refusedFile({ edit: (t) => t.replace(sha256(text), other) });
  expect(found.code).toBe('REPO140');
  expect(textOf(found)).toContain('when decompressed');
});

test('a file that unpacks to more than it says is stopped', async () => {
  const size = ` ${packagesText(PACKAGES).length} main/binary-amd64/Packages\n`;
  const found = await refusedFile({ edit: (t) => t.replace(size, size.replace(/\d+/, '100')) });
  expect(found.code).toBe('REPO140');
  expect(textOf(found)).toContain('longer than 100 bytes when decompressed');
});

test('by-hash copies that are missing are no harm', async () => {
  await publish();
  await rm(join(root, 'dists/stable/main/binary-amd64/by-hash'), { recursive: true });
  expect((await load()).packages).toHaveLength(1);
});

test('an archive without by-hash, and one with only plain Packages', async () => {
  await publish({ byHash: false });
  await load();
  expect(server.paths()).toContain('/dists/stable/main/binary-amd64/Packages.gz');
  await publish({ byHash: false, forms: [''], date: hoursAgo(1), packages: {} });
  expect(await readFile((await load()).packages[0]?.path ?? '', 'utf8')).toBe('');
});

test('only a compressed file in the sums', async () => {
  await publish({ forms: ['.gz'] });
  const [file] = (await load()).packages;
  expect(file?.sha256).toBe(sha256(packagesText(PACKAGES)));
});

test('Release with Release.gpg where there is no InRelease', async () => {
  await publish({ detached: true });
  expect((await load()).indexes[0]?.signedBy).toBe(key.fingerprint);
  await rm(join(root, 'dists/stable/Release.gpg'));
  const found = await diagnosticOf(load());
  expect(found).toMatchObject({ code: 'REPO124', exitCode: 1 });
});

test('a flat archive', async () => {
  await publish();
  const flat = join(root, 'flat');
  await mkdir(flat);
  const from = join(root, 'dists/stable/main/binary-amd64/Packages');
  const text = await readFile(from);
  await writeFile(join(flat, 'Packages'), text);
  const release = `Date: ${hoursAgo(1).toUTCString()}\nSHA256:\n ${sha256(text)} ${text.length} Packages\n`;
  await writeFile(join(flat, 'InRelease'), await signCleartext(release, [key]));
  const { packages } = await load({ suites: ['flat/'], components: [] });
  expect(packages[0]?.sha256).toBe(sha256(text));
});

test('a suite that is on no mirror', async () => {
  await publish();
  const found = await diagnosticOf(load({ suites: ['stabel'] }));
  expect(found).toMatchObject({ code: 'REPO124', exitCode: 1 });
  expect(textOf(found)).toContain('stabel');
});

test('a mirror that cannot be reached', async () => {
  const env = { ...ctx.env, VSEC_MIRROR_TEST: 'http://127.0.0.1:9' };
  const found = await diagnosticOf(load({}, { ...ctx, env }));
  expect(found).toMatchObject({ code: 'REPO110', exitCode: 1 });
  expect(textOf(found)).toContain('connection refused');
});

test('no key named: nothing is trusted', async () => {
  await publish();
  const found = await diagnosticOf(load({ signedBy: [] }));
  expect(found).toMatchObject({ code: 'REPO132', exitCode: 2 });
});

test('offline: the last verified index, or a clear error', async () => {
  await publish({ validUntil: hoursAgo(-1) });
  const first = await load();
  const offline = { ...ctx, offline: true };
  const asked = server.requests.length;
  expect(await load({}, offline)).toEqual(first);
  expect(server.requests).toHaveLength(asked);
  const later = { now: hoursAgo(-5) };
  const late = await loadIndexes('test', repository, ['amd64'], offline, later);
  expect(late.warnings).toMatchObject([{ code: 'REPO125', severity: 'warning' }]);
  const missing = await diagnosticOf(load({ suites: ['other'] }, offline));
  expect(missing).toMatchObject({ code: 'REPO111', exitCode: 1 });
  await rm(first.packages[0]?.path ?? '');
  expect((await diagnosticOf(load({}, offline))).code).toBe('REPO111');
});

test('offline: the kept index is verified again, by the keys that are pinned now', async () => {
  await publish();
  await load();
  const signedBy = [await pin(join(await scratch(), 'other.asc'), await newKey())];
  const found = await diagnosticOf(load({ signedBy }, { ...ctx, offline: true }));
  expect(found.code).toBe('REPO121');
});

test('signatures ignored: marked, and nothing is remembered of it', async () => {
  await publish({ unsigned: true });
  expect((await diagnosticOf(load())).code).toBe('REPO124');
  const insecurely = () =>
    loadIndexes('test', { ...repository, signedBy: [] }, ['amd64'], ctx, { insecure: true });
  const { indexes, insecure, warnings } = await insecurely();
  expect(insecure).toBe(true);
  expect(indexes[0]?.signedBy).toBeUndefined();
  expect(warnings).toMatchObject([{ code: 'REPO190', severity: 'warning' }]);
  expect(await filesBelow(ctx.cacheDir)).not.toContainEqual(expect.stringMatching(/^releases/));
  await publish();
  expect((await insecurely()).packages).toHaveLength(1);
  await load();
  await publish({ date: hoursAgo(9) });
  expect((await insecurely()).packages).toHaveLength(1);
  expect((await diagnosticOf(load())).code).toBe('REPO126');
  const again = { ...ctx, offline: true };
  const offline = loadIndexes('test', repository, ['amd64'], again, { insecure: true });
  expect((await offline).insecure).toBe(true);
});

test('an InRelease without end is not read to its end', async () => {
  server.misbehave = (_request, response) => {
    response.writeHead(200);
    const more = () => response.destroyed || response.write(Buffer.alloc(1 << 20), more);
    more();
    return true;
  };
  expect(textOf(await diagnosticOf(load()))).toContain('is longer than 33554432 bytes');
});

test('several suites at once, in their order; a bad one stops all', async () => {
  await publish();
  await publish({ suite: 'updates', packages: {} });
  const { indexes } = await load({ suites: ['updates', 'stable'] });
  expect(indexes.map(({ suite }) => suite)).toEqual(['updates', 'stable']);
  expect((await diagnosticOf(load({ suites: ['stable', 'none'] }))).code).toBe('REPO124');
});

test('Ctrl-C while an index comes', async () => {
  await publish();
  const stop = new AbortController();
  server.misbehave = (request, response) => {
    if (request.url?.endsWith('InRelease')) return false;
    response.writeHead(200);
    response.write('x');
    setTimeout(() => stop.abort(), 50);
    return true;
  };
  await expect(load({}, { ...ctx, signal: stop.signal })).rejects.toThrow(/abort/i);
  expect(await filesBelow(join(ctx.cacheDir, 'indexes'))).toEqual([]);
  await expect.poll(() => server.sockets.size).toBe(0);
});
