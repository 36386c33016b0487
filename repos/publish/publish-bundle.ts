/** A bundle → one signed artifact, a blob for each file, with its manifest and SBOMs attached. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import { task, type Context } from '../../vse/report.ts';
import {
  describe,
  digestOf,
  EMPTY,
  TITLE,
  VERSION,
  writeManifest,
  type Descriptor,
} from '../oci/manifest.ts';
import type { Destination } from '../oci/open.ts';
import type { Target } from '../oci/place.ts';
import { ARTIFACT_TYPE, BUNDLE_FILE, BUNDLE_MANIFEST, MODE } from './media-types.ts';
import { putSigned, refuseTaken, type PublishedAs, type PublishOptions } from './publish-base.ts';
import { tagOf } from './tags.ts';

/** What has to be known of a bundle; its manifest says it. */
export interface BundleToPublish {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** Path of the manifest in the folder. */
  readonly manifest: string;
  /** Files that the manifest does not list, such as its checksums. */
  readonly others: readonly string[];
  readonly artifacts: readonly {
    readonly file: string;
    /** Hex. */
    readonly sha256: string;
    readonly size: number;
  }[];
}

/** Media types that scanners look for among the referrers, by the ends of files' names. */
const ATTACHED: readonly (readonly [end: string, type: string])[] = [
  ['.spdx.json', 'application/spdx+json'],
  ['.cdx.json', 'application/vnd.cyclonedx+json'],
  ['provenance.json', 'application/vnd.in-toto+json'],
  ['provenance.dsse.json', 'application/vnd.dsse.envelope.v1+json'],
];

/** @throws REPO202 to REPO204 the registry, REPO214 a file was changed, REPO223 version is taken */
export async function publishBundle(
  bundle: BundleToPublish,
  { target, repository, tag }: Destination,
  { tags, signer }: PublishOptions,
  ctx: Context,
): Promise<PublishedAs> {
  const { name, version, folder } = bundle;
  const config = await readFile(join(folder, bundle.manifest));
  const others = await Promise.all(bundle.others.map((file) => listed(folder, file)));
  const layers = await Promise.all(
    [...bundle.artifacts, ...others].map((one) => descriptorOf(folder, one)),
  );
  const manifest = writeManifest({
    artifactType: ARTIFACT_TYPE.bundle,
    config: describe(BUNDLE_MANIFEST, config),
    layers,
    annotations: { [TITLE]: name, [VERSION]: version },
  });
  const size = layers.reduce((total, layer) => total + layer.size, config.length);
  const all = [...new Set([tagOf(version), ...(tag === undefined ? [] : [tag]), ...tags])];
  const label = `Publishing ${name} ${version}`;
  await task(
    ctx.report,
    'publish',
    label,
    async (advance) => {
      await refuseTaken(target, version, manifest);
      let done = 0;
      for (const layer of layers) {
        const path = join(folder, fileOf(layer));
        const told = (bytes: number) => advance(done + bytes, size, fileOf(layer));
        await target.putBlob(layer, () => createReadStream(path).on('data', counter(told)));
        told(0);
        done += layer.size;
        advance(done, size);
      }
      await target.putBlob(describe(BUNDLE_MANIFEST, config), () => config);
      const what = { kind: 'bundle', repository, version, tags: all } as const;
      await putSigned(target, manifest, what, signer, async (subject) => {
        await attach(target, subject, describe(BUNDLE_MANIFEST, config), bundle.manifest);
        for (const layer of layers)
          for (const [end, type] of ATTACHED)
            if (fileOf(layer).endsWith(end))
              await attach(target, subject, { ...layer, mediaType: type }, fileOf(layer));
      });
    },
    { total: size, unit: 'bytes' },
  );
  const files = [bundle.manifest, ...layers.map(fileOf)].sort();
  return { kind: 'bundle', version, digest: digestOf(manifest), tags: all, size, files };
}

export const fileOf = ({ annotations }: Descriptor): string => annotations?.[TITLE] ?? '';

const counter = (told: (bytes: number) => void) => {
  let bytes = 0;
  return (chunk: Buffer | string) => told((bytes += chunk.length));
};

async function listed(folder: string, file: string) {
  const bytes = await readFile(join(folder, file));
  const sha256 = digestOf(bytes).replace('sha256:', '');
  return { file, sha256, size: bytes.length };
}

/** Reads the file again: what is signed is what is there. */
async function descriptorOf(
  folder: string,
  { file, sha256, size }: BundleToPublish['artifacts'][number],
): Promise<Descriptor> {
  const path = join(folder, file);
  const found = await stat(path).catch(() => undefined);
  const hash = createHash('sha256');
  if (found?.size === size)
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  if (found?.size !== size || hash.digest('hex') !== sha256)
    throw failure('REPO214', `${path} is not what the bundle's manifest says`, {
      hint: 'somebody wrote to it: build the bundle again',
    });
  return {
    mediaType: BUNDLE_FILE,
    digest: `sha256:${sha256}`,
    size,
    annotations: { [TITLE]: file, [MODE]: found.mode & 0o100 ? '0755' : '0644' },
  };
}

/** As registries' own tools attach things: a manifest of its kind, with a subject. */
async function attach(
  target: Target,
  subject: Descriptor,
  { mediaType, digest, size }: Descriptor,
  file: string,
): Promise<void> {
  await target.putBlob(EMPTY.descriptor, () => EMPTY.bytes);
  await target.putManifest(
    writeManifest({
      artifactType: mediaType,
      config: EMPTY.descriptor,
      layers: [{ mediaType, digest, size, annotations: { [TITLE]: file } }],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    }),
  );
}
