/** Bases in a registry: what comes back is what was published, and everything else is refused. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INDEX_TYPE, writeManifest, type Descriptor } from '../../repos/oci/manifest.ts';
import { openTarget } from '../../repos/oci/open.ts';
import { fetchBundle } from '../../repos/publish/fetch-bundle.ts';
import { publishBundle } from '../../repos/publish/publish-bundle.ts';
import { installed } from '../builders/support/programs.ts';
import { diagnosticOf, filesBelow, scratch, textOf } from './support/context.ts';
import { layer, Publisher, User, writeFiles } from './support/publishing.ts';
import { startRegistry, type TestRegistry } from './support/registry.ts';

describe.skipIf(!installed('docker-registry'))('with the real registry', () => {
  let registry: TestRegistry;
  let count = 0;
  beforeAll(async () => void (registry = await startRegistry()));
  afterAll(() => registry?.stop());

  /** A publisher, a user who trusts them, and a name of their own. */
  async function parties() {
    const publisher = await Publisher.create();
    const name = `oci://${registry.host}/site/base${++count}`;
    const user = await User.create({ [`oci://${registry.host}/site`]: publisher.signer });
    return { publisher, user, name };
  }

  /** Files as a build leaves them. */
  async function bundle() {
    const folder = join(await scratch(), 'env_1.0_amd64');
    const files = {
      'boot/qemu/run.sh': '#!/bin/sh\n',
      'env_1.0_amd64.raw': 'disk'.repeat(2 ** 20),
      'sbom.spdx.json': '{"spdx": 1}',
      'sbom.cdx.json': '{"cdx": 1}',
    };
    const manifest = JSON.stringify({ name: 'env', version: '1.0', architecture: 'amd64' });
    writeFiles(folder, { ...files, 'manifest.json': manifest, SHA256SUMS: 'sums\n' });
    chmodSync(join(folder, 'boot/qemu/run.sh'), 0o755);
    const artifacts = Object.entries(files).map(([file, text]) => ({
      ...{ file, size: text.length },
      sha256: createHash('sha256').update(text).digest('hex'),
    }));
    const others = ['SHA256SUMS'];
    return {
      ...{ folder, name: 'env', version: '1.0', manifest: 'manifest.json' },
      others,
      artifacts,
    };
  }

  const manifests = (name: string, tag: string) =>
    `${name.replace('oci://', 'http://').replace('/site/', '/v2/site/')}/manifests/${tag}`;

  /** What somebody does who can write to the registry, and has no key. */
  async function retag(name: string, from: string, to: string): Promise<void> {
    const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
    const found = await fetch(manifests(name, from), { headers });
    const put = await fetch(manifests(name, to), {
      method: 'PUT',
      headers: { 'content-type': headers.accept },
      body: await found.text(),
    });
    expect(put.status).toBe(201);
  }

  it('a base comes back with all it refers to', async () => {
    const { publisher, user, name } = await parties();
    const made = await publisher.publish(
      {
        'site/base.yaml': `vse: 1\nname: base\nversion: '1.0'\nextends: [debian-12-repositories, ../low.yaml, beside]\nadd:\n  files:\n    /etc/motd: {source: ../motd}\n`,
        'site/beside.yaml': 'vse: 1\nname: beside\nadd: {packages: [less]}\n',
        'low.yaml': 'vse: 1\nname: low\nadd: {packages: [nano]}\n',
        motd: 'from the site\n',
      },
      name,
      { main: 'site/base.yaml' },
    );
    expect(made.files).toEqual(['low.yaml', 'motd', 'site/base.yaml', 'site/beside.yaml']);
    const { vse, diagnostics } = await user.load(
      `vse: 1\nname: env\nversion: '1'\nextends: ${name}:1.0\n`,
    );
    expect(diagnostics).toEqual([]);
    expect(vse?.layers.map((one) => one.name)).toEqual([
      'debian-12-repositories',
      'low',
      'beside',
      'base',
      'env',
    ]);
    expect(vse?.layers[3]).toMatchObject({
      file: `${name}:1.0/site/base.yaml`,
      published: { reference: `${name}:1.0`, digest: made.digest, version: '1.0' },
    });
    const source = vse?.config.files['/etc/motd']?.source?.path ?? '';
    expect(readFileSync(source, 'utf8')).toBe('from the site\n');
  });

  it('the same base gives the same bytes', async () => {
    const { publisher, name } = await parties();
    const first = await publisher.publish({ 'base.yaml': layer('1') }, name);
    const again = await publisher.publish({ 'base.yaml': layer('1') }, name);
    expect(again.digest).toBe(first.digest);
  });

  it('is used from the cache without the network, and is asked for by the digest', async () => {
    const { publisher, user, name } = await parties();
    const { digest } = await publisher.publish({ 'base.yaml': layer('1') }, name);
    const offline = { ...user.ctx, offline: true };
    expect(await diagnosticOf(user.open(`${name}:1`, 'check', offline))).toMatchObject({
      code: 'REPO113',
    });
    await user.open(`${name}:1`);
    expect(await user.open(`${name}:1`, 'check', offline)).toMatchObject({ digest });
    expect(await user.open(`${name}@${digest}`, 'check', offline)).toMatchObject({ digest });
  });

  it('a version is published once', async () => {
    const { publisher, name } = await parties();
    await publisher.publish({ 'base.yaml': layer('1') }, name);
    const again = publisher.publish({ 'base.yaml': layer('1', '  hostname: other\n') }, name);
    expect(await diagnosticOf(again)).toMatchObject({ code: 'REPO223' });
  });

  it('a tag that was moved is refused, and accepted by its digest', async () => {
    const { publisher, user, name } = await parties();
    await publisher.publish({ 'base.yaml': layer('1') }, name);
    await user.open(`${name}:1`);
    const other = await publisher.publish({ 'base.yaml': layer('2') }, name, { tags: ['1.x'] });
    await retag(name, '2', '1');
    const refused = await diagnosticOf(user.open(`${name}:1`));
    expect(refused).toMatchObject({ code: 'REPO215', exitCode: 1 });
    expect(textOf(refused)).toContain(other.digest);
    expect(await user.open(`${name}:1.x@${other.digest}`)).toMatchObject({ version: '2' });
  });

  it('a tag that is not the version moves on, and never back', async () => {
    const { publisher, user, name } = await parties();
    await publisher.publish({ 'base.yaml': layer('1') }, name, { tags: ['stable'] });
    await user.open(`${name}:stable`);
    await publisher.publish({ 'base.yaml': layer('2') }, name, { tags: ['stable'] });
    expect(await user.open(`${name}:stable`, 'check')).toMatchObject({ version: '1' });
    expect(await user.open(`${name}:stable`, 'upgrade')).toMatchObject({ version: '2' });
    await retag(name, '1', 'stable');
    expect(await diagnosticOf(user.open(`${name}:stable`, 'upgrade'))).toMatchObject({
      code: 'REPO216',
    });
  });

  it('an older version under the tag of a newer one is refused at first sight', async () => {
    const { publisher, user, name } = await parties();
    await publisher.publish({ 'base.yaml': layer('1') }, name);
    await retag(name, '1', '2');
    const refused = await diagnosticOf(user.open(`${name}:2`));
    expect(refused).toMatchObject({ code: 'REPO216' });
    expect(textOf(refused)).toContain('asked for: 2');
  });

  it('a tag that the publisher did not give is refused', async () => {
    const { publisher, user, name } = await parties();
    await publisher.publish({ 'base.yaml': layer('1') }, name);
    await retag(name, '1', 'stable');
    expect(await diagnosticOf(user.open(`${name}:stable`))).toMatchObject({ code: 'REPO217' });
  });

  it('what was changed in the store of the registry is refused', async () => {
    const { publisher, user, name } = await parties();
    const made = await publisher.publish({ 'base.yaml': layer('1', '  hostname: mine\n') }, name);
    const manifest = await (
      await fetch(manifests(name, made.digest), {
        headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
      })
    ).json();
    const hex = (manifest as { layers: { digest: string }[] }).layers[0]!.digest.slice(7);
    const path = join(
      registry.storage,
      `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`,
    );
    writeFileSync(path, readFileSync(path, 'latin1').replace('mine', 'evil'), 'latin1');
    const refused = await diagnosticOf(user.open(`${name}:1`));
    expect(refused).toMatchObject({ code: 'REPO214' });
    expect(textOf(refused)).toContain('has SHA-256');
  });

  it('who is not trusted for the name is refused, with both keys', async () => {
    const { publisher, name } = await parties();
    const { signer } = await Publisher.create();
    await publisher.publish({ 'base.yaml': layer('1') }, name);
    const other = await User.create({ [`oci://${registry.host}/site`]: signer });
    const refused = await diagnosticOf(other.open(`${name}:1`));
    expect(refused).toMatchObject({ code: 'REPO211' });
    expect(refused.notes).toHaveLength(2);
    const nobody = await User.create({ [`oci://${registry.host}/sit`]: publisher.signer });
    expect(await diagnosticOf(nobody.open(`${name}:1`))).toMatchObject({
      code: 'REPO213',
      exitCode: 2,
    });
  });

  it('what nobody signed is refused', async () => {
    const { publisher, user, name } = await parties();
    await publisher.publish({ 'base.yaml': layer('1') }, name);
    const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
    const manifest = (await (await fetch(manifests(name, '1'), { headers })).json()) as Parameters<
      typeof writeManifest
    >[0];
    const bytes = writeManifest({ ...manifest, annotations: { by: 'somebody' } });
    const put = { method: 'PUT', headers: { 'content-type': headers.accept }, body: bytes };
    expect((await fetch(manifests(name, '3'), put)).status).toBe(201);
    expect(await diagnosticOf(user.open(`${name}:3`))).toMatchObject({ code: 'REPO210' });
    const strange = writeManifest({ ...manifest, artifactType: 'application/vnd.other' });
    await fetch(manifests(name, '4'), { ...put, body: strange });
    expect(await diagnosticOf(user.open(`${name}:4`))).toMatchObject({ code: 'REPO205' });
  });

  it('says plainly what is not there', async () => {
    const { user, name } = await parties();
    expect(await diagnosticOf(user.open(`${name}:9`))).toMatchObject({ code: 'REPO203' });
    const gone = await User.create({ 'oci://127.0.0.1:9': (await Publisher.create()).signer });
    expect(await diagnosticOf(gone.open('oci://127.0.0.1:9/site/base:1'))).toMatchObject({
      code: 'REPO202',
    });
  });

  it('a bundle comes back, with its manifest and SBOMs attached; a stopped run is gone on with', async () => {
    const { publisher, user, name } = await parties();
    const folder = await bundle();
    const destination = openTarget(name, 'env', publisher.ctx);
    const options = { tags: [], signer: publisher.signer };
    const made = await publishBundle(folder, destination, options, publisher.ctx);
    await destination.target.close();
    const referrers = manifests(name, made.digest.replace(':', '-'));
    const index = (await (await fetch(referrers, { headers: { accept: INDEX_TYPE } })).json()) as {
      manifests: Descriptor[];
    };
    expect(index.manifests.map((one) => one.artifactType).sort()).toEqual([
      'application/spdx+json',
      'application/vnd.cyclonedx+json',
      'application/vnd.vsec.manifest.v1+json',
      'application/vnd.vsec.signature.v1',
    ]);

    const into = await scratch();
    const stop = new AbortController();
    const stopped = { ...user.ctx, signal: stop.signal };
    stopped.report = (event) => {
      if (event.type === 'advance' && (event.detail ?? '').endsWith('.raw')) stop.abort();
    };
    await expect(fetchBundle(`${name}:1.0`, into, 'manifest.json', stopped)).rejects.toThrow();
    expect(existsSync(join(into, 'env_1.0_amd64'))).toBe(false);
    const part = (await filesBelow(into)).find((file) => file.endsWith('.part')) ?? '';
    expect(statSync(join(into, part)).size).toBeGreaterThan(0);

    const fetched = await fetchBundle(`${name}:1.0`, into, 'manifest.json', user.ctx);
    expect(fetched).toMatchObject({ unchanged: false, version: '1.0' });
    expect(await filesBelow(into)).toEqual(
      (await filesBelow(folder.folder)).map((f) => `env_1.0_amd64/${f}`),
    );
    for (const file of await filesBelow(folder.folder)) {
      const [a, b] = [join(folder.folder, file), join(fetched.bundle, file)];
      expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
      expect(statSync(b).mode & 0o777).toBe(statSync(a).mode & 0o777);
    }
    const again = await fetchBundle(`${name}:1.0`, into, 'manifest.json', user.ctx);
    expect(again.unchanged).toBe(true);
    writeFileSync(join(fetched.bundle, 'manifest.json'), '{}');
    expect(
      await diagnosticOf(fetchBundle(`${name}:1.0`, into, 'manifest.json', user.ctx)),
    ).toMatchObject({ code: 'REPO224' });
    expect(await diagnosticOf(user.open(`${name}:1.0`))).toMatchObject({ code: 'REPO205' });
  });

  it('when the registry is away, what was known is used and a warning says so', async () => {
    const { publisher, name, user } = await parties();
    await publisher.publish({ 'base.yaml': layer('1') }, name);
    await user.open(`${name}:1`);
    const proxy = { ...user.ctx, env: { ...user.ctx.env, http_proxy: 'http://127.0.0.1:9' } };
    expect(await user.open(`${name}:1`, 'check', proxy)).toMatchObject({ version: '1' });
    expect(
      user.ctx.events.some((e) => e.type === 'diagnostic' && e.diagnostic.code === 'REPO192'),
    ).toBe(true);
  });
});
