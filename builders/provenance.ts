/**
 * How a bundle came to be: an in-toto statement (v1) with SLSA provenance (v1) as its predicate,
 * <https://slsa.dev/spec/v1.0/provenance>. It follows from lock and bundle alone, so it holds no
 * time of day and no name of a machine.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lock, LockedPackage, LockedRepository } from '../repos/lock.ts';
import { IN_TOTO, signEnvelope } from '../repos/signing/dsse.ts';
import type { Signer } from '../repos/signing/signer.ts';
import type { Vse } from '../vse/types.ts';
import type { Artifact } from './manifest.ts';
import type { Component } from './sbom/inventory.ts';
import { packageUrl } from './sbom/inventory.ts';
import { TOOL } from './sbom/subject.ts';
import { programDigest } from './stages.ts';

export const PROVENANCE_FILE = 'provenance.json';
export const ENVELOPE_FILE = 'provenance.dsse.json';

/** Names without an address behind them: docs/formats.md says what they mean. */
const BUILD_TYPE = 'urn:vsec:build:1';
const BUILDER = 'urn:vsec:builder';

export interface ProvenanceInput {
  readonly vse: Pick<Vse, 'name' | 'version' | 'digest' | 'layers'>;
  readonly lock: Lock;
  /** Hex. */
  readonly lockSha256: string;
  readonly rootfs: { readonly digest: string };
  /** `sha256:…` of everything that the bundle follows from. */
  readonly input: string;
  readonly formats: readonly string[];
  readonly backends: readonly { readonly name: string }[];
}

const hex = (digest: string): string => digest.replace(/^sha256:/, '');

/** Where a package came from: the mirror's name or address, and the path below it. */
function originOf(pkg: LockedPackage, repositories: readonly LockedRepository[]) {
  const { mirror, uri } = repositories.find(({ name }) => name === pkg.repository) ?? {};
  return { repository: mirror ?? uri ?? pkg.repository, filename: pkg.filename };
}

function dependencies(
  { lock, lockSha256, vse }: ProvenanceInput,
  components: readonly Component[],
): readonly object[] {
  const known = new Map(components.map(({ sha256, purl }) => [sha256, purl]));
  const { id } = lock.distribution;
  const describe =
    (use: string, repositories: readonly LockedRepository[]) =>
    (pkg: LockedPackage): object => ({
      name: `${pkg.name} ${pkg.version}`,
      uri: known.get(pkg.sha256) ?? packageUrl(pkg, id, id),
      digest: { sha256: pkg.sha256 },
      annotations: { use, ...originOf(pkg, repositories) },
    });
  return [
    { name: 'lock.json', digest: { sha256: lockSha256 }, annotations: { use: 'lock' } },
    ...vse.layers.map(({ name, version, sha256 }) => ({
      name: version === undefined ? name : `${name} ${version}`,
      digest: { sha256 },
      annotations: { use: 'layer' },
    })),
    ...lock.indexes.map(({ repository, suite, sha256, date, signedBy }) => ({
      name: `${repository} ${suite}`,
      digest: { sha256 },
      annotations: { use: 'index', date, ...(signedBy !== undefined && { signedBy }) },
    })),
    ...lock.packages.map(describe('image', lock.repositories)),
    ...lock.toolbox.packages.map(describe('toolbox', lock.toolbox.repositories)),
  ];
}

/** The statement about a bundle that holds `artifacts`. */
export function provenanceStatement(
  input: ProvenanceInput,
  artifacts: readonly Artifact[],
  components: readonly Component[],
): object {
  const { vse, lock, lockSha256, formats, backends, rootfs } = input;
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: artifacts.map(({ file, sha256 }) => ({ name: file, digest: { sha256 } })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: {
          environment: { name: vse.name, version: vse.version, digest: vse.digest },
          lock: { sha256: lockSha256 },
          formats,
          backends: backends.map(({ name }) => name),
        },
        internalParameters: {
          sourceDateEpoch: lock.epoch,
          signaturesChecked: lock.insecure !== true,
        },
        resolvedDependencies: dependencies(input, components),
      },
      runDetails: {
        builder: {
          id: BUILDER,
          version: { [TOOL.name]: TOOL.version },
          builderDependencies: [
            { name: 'vsec', digest: { sha256: programDigest() } },
            { name: 'toolbox', digest: { sha256: hex(lock.toolbox.digest) } },
          ],
        },
        metadata: { invocationId: input.input },
        byproducts: [{ name: 'rootfs', digest: { sha256: hex(rootfs.digest) } }],
      },
    },
  };
}

/** Writes the statement into `folder`, and signed as well when there is somebody to sign it. */
export async function writeProvenance(
  folder: string,
  input: ProvenanceInput & { readonly signer?: Signer },
  artifacts: readonly Artifact[],
  components: readonly Component[],
): Promise<readonly string[]> {
  const statement = provenanceStatement(input, artifacts, components);
  const text = `${JSON.stringify(statement, null, 1)}\n`;
  writeFileSync(join(folder, PROVENANCE_FILE), text);
  if (!input.signer) return [PROVENANCE_FILE];
  const envelope = await signEnvelope(IN_TOTO, Buffer.from(text), input.signer);
  writeFileSync(join(folder, ENVELOPE_FILE), `${JSON.stringify(envelope, null, 1)}\n`);
  return [PROVENANCE_FILE, ENVELOPE_FILE];
}
