/** Bases in a folder behind a web server, and what is refused wherever a base lies. */
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { FolderTarget } from '../../repos/oci/folder.ts';
import { describe as descriptor, writeManifest } from '../../repos/oci/manifest.ts';
import { openTarget } from '../../repos/oci/open.ts';
import { parseReference } from '../../repos/oci/reference.ts';
import { fetchLayer } from '../../repos/publish/fetch-layer.ts';
import { ARTIFACT_TYPE, BASE_CONFIG, BASE_LAYER } from '../../repos/publish/media-types.ts';
import { putSigned } from '../../repos/publish/publish-base.ts';
import { loadVse } from '../../vse/load.ts';
import { diagnosticOf, scratch, testContext, textOf } from './support/context.ts';
import { layer, Publisher, User, writeFiles } from './support/publishing.ts';
import { MirrorServer } from './support/server.ts';

async function parties() {
  const root = await scratch();
  const server = await MirrorServer.start(root);
  const publisher = await Publisher.create();
  const user = await User.create({ [server.url]: publisher.signer });
  const { url } = server;
  const at = (digest: string) => `${url}/base#${digest.replace(':', '=')}`;
  return { folder: join(root, 'base'), server, publisher, user, at };
}

/** An archive with `entries`, signed by somebody who is trusted. */
async function publishRaw(
  folder: string,
  { signer }: Publisher,
  entries: readonly { readonly name: string; readonly type?: 'file' | 'symlink' }[],
): Promise<string> {
  const archive = pack();
  for (const { name, type = 'file' } of entries)
    archive.entry({ name, type, ...(type === 'symlink' && { linkname: '/etc/passwd' }) }, '');
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const config = Buffer.from(
    JSON.stringify({ vsecBase: 1, name: 'base', version: '1', main: 'base.yaml', names: {} }),
  );
  const target = new FolderTarget(folder);
  const parts = [descriptor(BASE_CONFIG, config), descriptor(BASE_LAYER, bytes)] as const;
  await target.putBlob(parts[0], () => config);
  await target.putBlob(parts[1], () => bytes);
  const manifest = writeManifest({
    artifactType: ARTIFACT_TYPE.base,
    config: parts[0],
    layers: [parts[1]],
  });
  const what = { kind: 'base', repository: 'base', version: '1', tags: ['1'] } as const;
  await putSigned(target, manifest, what, signer);
  return descriptor('', manifest).digest;
}

it('a base comes back through a web server, and then from the cache', async () => {
  const { folder, server, publisher, user, at } = await parties();
  const { digest } = await publisher.publish({ 'base.yaml': layer('1') }, folder);
  const { vse, diagnostics } = await user.load(
    `vse: 1\nname: env\nextends: [debian-12-repositories, '${at(digest)}']\n`,
  );
  expect(diagnostics).toEqual([]);
  expect(vse?.layers[1]?.published).toMatchObject({ digest, version: '1' });
  await server.stop();
  expect(await user.open(at(digest))).toMatchObject({ digest });
});

it('a folder keeps several versions, and a version stays what it is', async () => {
  const { folder, server, publisher, user, at } = await parties();
  const one = await publisher.publish({ 'base.yaml': layer('1') }, folder, { tags: ['stable'] });
  const two = await publisher.publish({ 'base.yaml': layer('2') }, folder, { tags: ['stable'] });
  expect(await user.open(at(one.digest))).toMatchObject({ version: '1' });
  expect(await user.open(at(two.digest))).toMatchObject({ version: '2' });
  const changed = publisher.publish({ 'base.yaml': layer('2', '  hostname: x\n') }, folder);
  expect(await diagnosticOf(changed)).toMatchObject({ code: 'REPO223' });
  await server.stop();
});

it('what was signed again with a new key is accepted by who trusts that', async () => {
  const { folder, server, publisher, user, at } = await parties();
  const { digest } = await publisher.publish({ 'base.yaml': layer('1') }, folder);
  await user.open(at(digest));
  const successor = await Publisher.create();
  await successor.publish({ 'base.yaml': layer('1') }, folder);
  const other = await User.create({ [server.url]: successor.signer });
  const ctx = { ...other.ctx, cacheDir: user.ctx.cacheDir };
  const offline = other.open(at(digest), 'check', { ...ctx, offline: true });
  expect(await diagnosticOf(offline)).toMatchObject({ code: 'REPO211' });
  expect(await other.open(at(digest), 'check', ctx)).toMatchObject({ digest });
  await server.stop();
});

it('a signature of something else does not count', async () => {
  const { folder, server, publisher, user, at } = await parties();
  const one = await publisher.publish({ 'base.yaml': layer('1') }, folder);
  const other = await publisher.publish({ 'base.yaml': layer('2') }, folder);
  const index = join(folder, 'index.json');
  const text = readFileSync(index, 'utf8');
  const swapped = text.replaceAll(
    `"vnd.vsec.subject":"${one.digest}"`,
    `"vnd.vsec.subject":"${other.digest}"`,
  );
  writeFileSync(index, swapped);
  expect(await diagnosticOf(user.open(at(one.digest)))).toMatchObject({ code: 'REPO210' });
  writeFileSync(
    index,
    text
      .replaceAll(`"vnd.vsec.subject":"${one.digest}"`, '"vnd.vsec.subject":"-"')
      .replaceAll(`"vnd.vsec.subject":"${other.digest}"`, `"vnd.vsec.subject":"${one.digest}"`),
  );
  const refused = await diagnosticOf(user.open(at(one.digest)));
  expect(refused).toMatchObject({ code: 'REPO212' });
  expect(textOf(refused)).toContain(other.digest);
  await server.stop();
});

it('content that was changed is refused', async () => {
  const { folder, server, publisher, user, at } = await parties();
  const { digest } = await publisher.publish({ 'base.yaml': layer('1') }, folder);
  for (const name of readdirSync(join(folder, 'blobs/sha256'))) {
    if (name === digest.slice(7)) continue;
    const path = join(folder, 'blobs/sha256', name);
    const text = readFileSync(path, 'latin1');
    if (text.includes('nano')) {
      chmodSync(path, 0o644);
      writeFileSync(path, text.replace('nano', 'evil'), 'latin1');
    }
  }
  expect(await diagnosticOf(user.open(at(digest)))).toMatchObject({ code: 'REPO214' });
  await server.stop();
});

it.each([
  ['a link', [{ name: 'base.yaml', type: 'symlink' as const }]],
  ['a path that leads out', [{ name: '../base.yaml' }]],
  ['an absolute path', [{ name: '/base.yaml' }]],
])('an archive with %s is refused, whoever signed it', async (_what, entries) => {
  const { folder, server, publisher, user, at } = await parties();
  const digest = await publishRaw(folder, publisher, entries);
  expect(await diagnosticOf(user.open(at(digest)))).toMatchObject({ code: 'REPO218' });
  await server.stop();
});

describe('a published base reads nothing of the host', () => {
  it.each([
    ['a file', 'add: {files: {/etc/x: {source: /etc/shadow}}}'],
    ['a file above it', 'add: {files: {/etc/x: {source: ../../../../x}}}'],
    ['a key', 'add: {repositories: {a: {uri: "https://mirror.example", signed-by: [/etc/x]}}}'],
    ['a layer', 'extends: /etc/vsec/site.yaml'],
  ])('%s', async (_what, text) => {
    const folder = await scratch();
    writeFiles(folder, { 'root/base.yaml': `vse: 1\nname: base\n${text}\n` });
    const user = await User.create({});
    writeFiles(folder, { 'env.yaml': 'vse: 1\nname: env\nextends: oci://mirror.example/base:1\n' });
    const { diagnostics } = await loadVse('env.yaml', {
      cwd: folder,
      env: user.ctx.env,
      openPublished: (reference) =>
        Promise.resolve({
          ...{ reference, digest: `sha256:${'0'.repeat(64)}`, names: {} },
          ...{ root: join(folder, 'root'), main: 'base.yaml' },
        }),
    });
    expect(diagnostics.find(({ code }) => code === 'VSE047')).toMatchObject({
      span: { file: 'oci://mirror.example/base:1/base.yaml', line: 3 },
    });
  });
});

describe('what cannot be published', () => {
  it.each([
    ['no version', 'vse: 1\nname: base\n', /version: 2026.1/],
    ['an absolute file', layer('1', '  files: {/etc/x: {source: /etc/hosts}}\n'), /like-this/],
    ['an absolute layer', `${layer('1')}extends: /tmp/vsec-nowhere/low.yaml\n`, /./],
  ])('%s', async (_what, text, hint) => {
    const publisher = await Publisher.create();
    const refused = await diagnosticOf(publisher.publish({ 'base.yaml': text }, await scratch()));
    expect(refused.exitCode).toBe(2);
    expect(refused.hint ?? '').toMatch(hint);
    expect(['REPO219', 'VSE001']).toContain(refused.code);
  });
});

it.each([
  'oci://registry.example',
  'oci://registry.example/Upper:1',
  'oci://registry.example/a:1@sha256:12',
  'https://mirror.example/base',
  'base',
])('%s names nothing published', async (text) => {
  const parsed = (async () => parseReference(text))();
  expect(await diagnosticOf(parsed)).toMatchObject({ code: 'REPO201', exitCode: 2 });
});

it('registries are spoken to by https, unless they are here or it is said', async () => {
  expect(parseReference('oci://registry.example/a/b:1').address).toBe('https://registry.example');
  expect(parseReference('oci+http://registry.example/a:1').address).toBe('http://registry.example');
  expect(parseReference('oci://localhost:5000/a').address).toBe('http://localhost:5000');
  expect(parseReference('oci://localhost.example/a').address).toBe('https://localhost.example');
  const ctx = await testContext();
  const into = (async () =>
    openTarget(`https://mirror.example/b#sha256=${'0'.repeat(64)}`, 'b', ctx))();
  expect(await diagnosticOf(into)).toMatchObject({ code: 'REPO201' });
});

it('a registry that wants a login is told about, and logged in to', async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    const known = request.headers.authorization === `Basic ${btoa('me:secret')}`;
    response.writeHead(known ? 404 : 401, { 'www-authenticate': 'Basic realm="here"' }).end();
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const { signer } = await Publisher.create();
  const user = await User.create({ [`oci://${host}`]: signer });
  expect(await diagnosticOf(user.open(`oci://${host}/base:1`))).toMatchObject({ code: 'REPO204' });
  const file = join(await scratch(), 'auth.json');
  writeFileSync(file, JSON.stringify({ auths: { [host]: { auth: btoa('me:secret') } } }));
  const ctx = { ...user.ctx, env: { ...user.ctx.env, REGISTRY_AUTH_FILE: file } };
  expect(await diagnosticOf(user.open(`oci://${host}/base:1`, 'check', ctx))).toMatchObject({
    code: 'REPO203',
  });
  expect(seen.at(-1)).toBe(`Basic ${btoa('me:secret')}`);
  server.close();
});

it('one layer by its address is kept, and offline only what was kept', async () => {
  const { server, user } = await parties();
  const root = await scratch();
  writeFiles(root, { 'a.yaml': 'vse: 1\n' });
  const other = await MirrorServer.start(root);
  const sha256 = createHash('sha256').update('vse: 1\n').digest('hex');
  const url = `${other.url}/a.yaml`;
  const offline = { ...user.ctx, offline: true };
  expect(await diagnosticOf(fetchLayer(url, sha256, offline))).toMatchObject({ code: 'REPO113' });
  expect(Buffer.from(await fetchLayer(url, sha256, user.ctx)).toString()).toBe('vse: 1\n');
  expect(Buffer.from(await fetchLayer(url, sha256, offline)).toString()).toBe('vse: 1\n');
  expect(await diagnosticOf(fetchLayer(`${url}x`, '0'.repeat(64), user.ctx))).toMatchObject({
    code: 'REPO202',
  });
  await other.stop();
  await server.stop();
});
