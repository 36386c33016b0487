/** Documents of the OCI image specification 1.1, as far as artifacts need them. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { failure } from '../../vse/diagnostic.ts';

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'is no digest (sha256:…)');
const annotations = z.record(z.string(), z.string());

const descriptor = z.looseObject({
  mediaType: z.string(),
  digest,
  /** Bytes. */
  size: z.number().int().nonnegative(),
  artifactType: z.string().exactOptional(),
  annotations: annotations.exactOptional(),
});

const manifest = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.literal(MANIFEST_TYPE).exactOptional(),
  artifactType: z.string().exactOptional(),
  config: descriptor,
  layers: z.array(descriptor),
  subject: descriptor.exactOptional(),
  annotations: annotations.exactOptional(),
});

const index = z.looseObject({ schemaVersion: z.literal(2), manifests: z.array(descriptor) });

export type Descriptor = Readonly<z.infer<typeof descriptor>>;
export type OciManifest = Readonly<z.infer<typeof manifest>>;
export type OciIndex = Readonly<z.infer<typeof index>>;

export const TITLE = 'org.opencontainers.image.title';
export const VERSION = 'org.opencontainers.image.version';
export const REF_NAME = 'org.opencontainers.image.ref.name';

export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export const describe = (mediaType: string, bytes: Uint8Array): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

/** What stands where an artifact has no configuration. */
export const EMPTY = {
  bytes: Buffer.from('{}'),
  descriptor: describe(EMPTY_TYPE, Buffer.from('{}')),
};

export interface ManifestParts {
  readonly artifactType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The bytes of a manifest; the same parts give the same bytes. */
export const writeManifest = (parts: ManifestParts): Buffer =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      artifactType: parts.artifactType,
      config: parts.config,
      layers: parts.layers,
      ...(parts.subject && { subject: parts.subject }),
      ...(parts.annotations && { annotations: parts.annotations }),
    }),
  );

export const writeIndex = (manifests: readonly Descriptor[]): Buffer =>
  Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }));

/** @param where for messages. @throws REPO205 */
export const readManifest = (bytes: Uint8Array, where: string): OciManifest =>
  read(manifest, bytes, where);

/** @throws REPO205 */
export const readIndex = (bytes: Uint8Array, where: string): OciIndex => read(index, bytes, where);

/** A JSON document of a known shape. @throws REPO205 */
export function read<T>(schema: z.ZodType<T>, bytes: Uint8Array, where: string): T {
  let notes: string[];
  try {
    const parsed = schema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    if (parsed.success) return parsed.data;
    notes = parsed.error.issues
      .slice(0, 5)
      .map(({ path, message }) => `${path.join('.') || 'the document'}: ${message}`);
  } catch (error) {
    notes = [(error as Error).message];
  }
  throw failure('REPO205', `what is published as ${where} was not made by vsec`, {
    notes: notes.map((message) => ({ message })),
    hint: "mind the name; 'vsec publish' makes what 'vsec fetch' and 'extends' take",
  });
}
