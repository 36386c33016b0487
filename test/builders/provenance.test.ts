/** The statement of how a bundle came to be, and its signed envelope. */
import { execFileSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import {
  ENVELOPE_FILE,
  PROVENANCE_FILE,
  provenanceStatement,
  writeProvenance,
} from '../../builders/provenance.ts';
import type { Component } from '../../builders/sbom/inventory.ts';
import type { Lock } from '../../repos/lock.ts';
import type { Envelope } from '../../repos/signing/dsse.ts';
import { createKey, openSigner } from '../../repos/signing/signer.ts';
import { installed } from './support/programs.ts';

const digit = (n: number): string => String(n).repeat(64);
const PACKAGE = {
  ...{ name: 'bash', version: '5.2-1', architecture: 'amd64', sha256: digit(1), size: 9 },
  ...{ repository: 'debian', stage: 0, reason: 'essential', installedSize: 1 },
  filename: 'pool/main/b/bash/bash_5.2-1_amd64.deb',
};
const LOCK: Lock = {
  vsecLock: 1,
  vse: { name: 'cfd', version: '1.0.0', digest: `sha256:${digit(2)}` },
  distribution: { id: 'debian', release: 'bookworm', architecture: 'amd64' },
  stages: [{ layers: ['base'] }],
  repositories: [{ name: 'debian', type: 'deb', mirror: 'debian' }],
  indexes: [{ repository: 'debian', suite: 'bookworm', sha256: digit(3), date: '2026-01-01' }],
  epoch: 1_750_000_000,
  packages: [PACKAGE],
  toolbox: {
    digest: `sha256:${digit(4)}`,
    repositories: [{ name: 'debian', type: 'deb', mirror: 'debian' }],
    packages: [{ ...PACKAGE, name: 'tar', sha256: digit(5) }],
  },
};
const INPUT = {
  vse: {
    ...{ name: 'cfd', version: '1.0.0', digest: `sha256:${digit(2)}` },
    layers: [{ name: 'base', file: 'base.yaml', sha256: digit(6) }],
  },
  lock: LOCK,
  lockSha256: digit(7),
  rootfs: { digest: `sha256:${digit(8)}` },
  input: `sha256:${digit(9)}`,
  formats: ['qcow2'],
  backends: [{ name: 'kvm' }],
};
const ARTIFACTS = [{ file: 'cfd.qcow2', sha256: digit(1), size: 1, format: 'qcow2' }];
const PURL = 'pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12';
const COMPONENTS = [{ sha256: digit(1), purl: PURL }] as unknown as readonly Component[];

let dir = '';
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'vsec-provenance-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** in-toto Statement v1 and SLSA provenance v1, as their specifications have the fields. */
const digests = z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)).refine((d) => d['sha256']);
const resource = z.strictObject({
  ...{ name: z.string().min(1).optional(), uri: z.url().optional(), digest: digests },
  annotations: z.record(z.string(), z.string()).optional(),
});
const uri = z.string().regex(/^[a-z][a-z0-9+.-]*:\S+$/);
const STATEMENT = z.strictObject({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.array(z.strictObject({ name: z.string().min(1), digest: digests })).min(1),
  predicateType: z.literal('https://slsa.dev/provenance/v1'),
  predicate: z.strictObject({
    buildDefinition: z.strictObject({
      buildType: uri,
      externalParameters: z.record(z.string(), z.unknown()),
      internalParameters: z.record(z.string(), z.unknown()),
      resolvedDependencies: z.array(resource),
    }),
    runDetails: z.strictObject({
      builder: z.strictObject({
        id: uri,
        version: z.record(z.string(), z.string()),
        builderDependencies: z.array(resource),
      }),
      metadata: z.strictObject({ invocationId: z.string() }),
      byproducts: z.array(resource),
    }),
  }),
});

test('names what went in and what came out', () => {
  const statement = STATEMENT.parse(provenanceStatement(INPUT, ARTIFACTS, COMPONENTS));
  expect(statement.subject).toEqual([{ name: 'cfd.qcow2', digest: { sha256: digit(1) } }]);
  const { buildDefinition, runDetails } = statement.predicate;
  expect(buildDefinition.externalParameters).toMatchObject({ lock: { sha256: digit(7) } });
  const found = buildDefinition.resolvedDependencies;
  expect(found.map((one) => one.annotations?.['use'])).toEqual([
    ...['lock', 'layer', 'index', 'image', 'toolbox'],
  ]);
  expect(found[3]).toMatchObject({ uri: PURL, digest: { sha256: digit(1) } });
  expect(found[4]?.uri).toBe('pkg:deb/debian/tar@5.2-1?arch=amd64&distro=debian');
  expect(runDetails.byproducts).toEqual([{ name: 'rootfs', digest: { sha256: digit(8) } }]);
});

describe('signed', () => {
  /** As DSSE's protocol.md has it, written here once more. */
  const preAuth = ({ payload, payloadType }: Envelope): Buffer => {
    const body = Buffer.from(payload, 'base64');
    return Buffer.concat([
      Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${body.length} `),
      body,
    ]);
  };
  const ctx = { signal: new AbortController().signal, env: process.env };
  async function signWith(key: string): Promise<Envelope> {
    const input = { ...INPUT, signer: await openSigner(key, ctx) };
    expect(await writeProvenance(dir, input, ARTIFACTS, COMPONENTS)).toEqual([
      PROVENANCE_FILE,
      ENVELOPE_FILE,
    ]);
    const envelope = JSON.parse(readFileSync(join(dir, ENVELOPE_FILE), 'utf8')) as Envelope;
    const payload = Buffer.from(envelope.payload, 'base64');
    expect(payload.equals(readFileSync(join(dir, PROVENANCE_FILE)))).toBe(true);
    expect(envelope.payloadType).toBe('application/vnd.in-toto+json');
    return envelope;
  }

  test('by vsec’s own key: an Ed25519 signature that node:crypto verifies, the same again', async () => {
    const path = join(dir, 'key');
    const { blob } = await createKey(path);
    const envelope = await signWith(path);
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: blob.subarray(-32).toString('base64url') },
      format: 'jwk',
    });
    const [signature] = envelope.signatures;
    const sig = Buffer.from(signature?.sig ?? '', 'base64');
    expect(verify(null, preAuth(envelope), key, sig)).toBe(true);
    const other = { ...envelope, payload: Buffer.from('{}').toString('base64') };
    expect(verify(null, preAuth(other), key, sig)).toBe(false);
    expect(await signWith(path)).toEqual(envelope);
  });

  test.skipIf(!installed('ssh-keygen'))('by a key that only ssh-keygen reads', async () => {
    const path = join(dir, 'rsa');
    execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', path]);
    const envelope = await signWith(path);
    writeFileSync(join(dir, 'sig'), Buffer.from(envelope.signatures[0]?.sig ?? '', 'base64'));
    writeFileSync(join(dir, 'signers'), `me ${readFileSync(`${path}.pub`, 'utf8')}`);
    const args = ['-Y', 'verify', '-n', 'vsec', '-I', 'me', '-f', join(dir, 'signers')];
    const judge = (input: Buffer): string =>
      execFileSync('ssh-keygen', [...args, '-s', join(dir, 'sig')], {
        ...{ input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] },
      });
    expect(judge(preAuth(envelope))).toContain('Good "vsec" signature');
    expect(() => judge(Buffer.from('other'))).toThrow();
  });
});

test('without a key there is the statement alone', async () => {
  expect(await writeProvenance(dir, INPUT, ARTIFACTS, COMPONENTS)).toEqual([PROVENANCE_FILE]);
});
