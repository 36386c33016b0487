/** A base and all it refers to → one signed artifact in a registry or a folder. */
import { createReadStream } from 'node:fs';
import { failure } from '../../vse/diagnostic.ts';
import type { LocalLayer } from '../../vse/reach.ts';
import { task, type Context } from '../../vse/report.ts';
import {
  describe,
  TITLE,
  VERSION,
  writeManifest,
  digestOf,
  type Descriptor,
} from '../oci/manifest.ts';
import type { Destination } from '../oci/open.ts';
import type { Signer } from '../signing/signer.ts';
import { Store } from '../store.ts';
import { writeArchive } from './archive.ts';
import { writeBaseConfig } from './base-config.ts';
import { ARTIFACT_TYPE, BASE_CONFIG, BASE_LAYER, type Kind } from './media-types.ts';
import { packBase } from './pack-base.ts';
import { attachSignature } from './statement.ts';
import { tagOf } from './tags.ts';

export interface PublishOptions {
  /** Besides the version, which is always one. */
  readonly tags: readonly string[];
  readonly signer: Signer;
}

export interface PublishedAs {
  readonly kind: Kind;
  readonly version: string;
  /** `sha256:…` of the manifest. */
  readonly digest: string;
  readonly tags: readonly string[];
  /** Bytes of all its parts. */
  readonly size: number;
  readonly files: readonly string[];
}

/** @throws REPO202 to REPO204 the registry, REPO219 not to be packed, REPO223 the version is taken */
export async function publishBase(
  layers: readonly LocalLayer[],
  { target, repository, tag }: Destination,
  { tags, signer }: PublishOptions,
  ctx: Context,
): Promise<PublishedAs> {
  const { tree, config } = packBase(layers);
  const store = new Store(ctx.cacheDir);
  const file = await store.begin();
  try {
    await writeArchive(tree, file);
    const { size, sha256 } = file;
    const layer: Descriptor = { mediaType: BASE_LAYER, digest: `sha256:${sha256}`, size };
    const archive = await store.adopt(file);
    const configBytes = writeBaseConfig(config);
    const manifest = writeManifest({
      artifactType: ARTIFACT_TYPE.base,
      config: describe(BASE_CONFIG, configBytes),
      layers: [layer],
      annotations: { [TITLE]: config.name, [VERSION]: config.version },
    });
    const all = [...new Set([tagOf(config.version), ...(tag === undefined ? [] : [tag]), ...tags])];
    await task(ctx.report, 'publish', `Publishing ${config.name} ${config.version}`, async () => {
      await refuseTaken(target, config.version, manifest);
      await target.putBlob(layer, () => createReadStream(archive));
      await target.putBlob(describe(BASE_CONFIG, configBytes), () => configBytes);
      await putSigned(
        target,
        manifest,
        { kind: 'base', repository, version: config.version, tags: all },
        signer,
      );
    });
    return {
      ...{ kind: 'base', version: config.version, digest: digestOf(manifest), tags: all },
      size: size + configBytes.length + manifest.length,
      files: [...tree.keys()].sort(),
    };
  } finally {
    await file.discard();
  }
}

/** A version names one artifact for ever. @throws REPO223 */
export async function refuseTaken(
  target: Destination['target'],
  version: string,
  manifest: Buffer,
): Promise<void> {
  const there = await target.resolve(tagOf(version));
  if (there === undefined || there === digestOf(manifest)) return;
  throw failure('REPO223', `version ${version} is published already, with other content`, {
    notes: [{ message: `there: ${there}` }, { message: `now: ${digestOf(manifest)}` }],
    hint: "those who use it would refuse the change: give it a higher 'version'",
  });
}

/** Puts the manifest, its signature, and last the tags: a tag never names what is not signed. */
export async function putSigned(
  target: Destination['target'],
  manifest: Buffer,
  what: { kind: Kind; repository: string; version: string; tags: readonly string[] },
  signer: Signer,
  attach: (subject: Descriptor) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const subject = await target.putManifest(manifest);
  await attach(subject);
  await attachSignature(target, subject, { ...what, tags: [...what.tags] }, signer);
  for (const tag of what.tags) await target.putManifest(manifest, tag);
}
