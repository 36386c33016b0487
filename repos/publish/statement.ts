/**
 * What a publisher signs: that a manifest is this version of that name, under these tags. A digest
 * alone would let a registry serve one signed artifact in the place of another.
 */
import * as z from 'zod';
import { describe, EMPTY, read, writeManifest, type Descriptor } from '../oci/manifest.ts';
import type { Target } from '../oci/place.ts';
import type { Signer } from '../signing/signer.ts';
import { KINDS, SIGNATURE, SSH_SIGNATURE, STATEMENT } from './media-types.ts';

const statement = z.strictObject({
  vsecStatement: z.literal(1),
  kind: z.enum(KINDS),
  /** Path in a registry, such as `site/base`. */
  repository: z.string(),
  version: z.string(),
  tags: z.array(z.string()),
  /** `sha256:…` */
  manifest: z.string(),
});

export type Statement = Readonly<z.infer<typeof statement>>;

export const parseStatement = (bytes: Uint8Array, where: string): Statement =>
  read(statement, bytes, where);

/** Signs and attaches the statement to the manifest `subject`. */
export async function attachSignature(
  target: Target,
  subject: Descriptor,
  what: Omit<Statement, 'vsecStatement' | 'manifest'>,
  signer: Signer,
): Promise<void> {
  const said: Statement = { vsecStatement: 1, ...what, manifest: subject.digest };
  const bytes = Buffer.from(JSON.stringify(said));
  const signature = Buffer.from(await signer.sign(bytes));
  const parts = [describe(STATEMENT, bytes), describe(SSH_SIGNATURE, signature)] as const;
  await target.putBlob(parts[0], () => bytes);
  await target.putBlob(parts[1], () => signature);
  await target.putBlob(EMPTY.descriptor, () => EMPTY.bytes);
  const { mediaType, digest, size } = subject;
  await target.putManifest(
    writeManifest({
      artifactType: SIGNATURE,
      config: EMPTY.descriptor,
      layers: parts,
      subject: { mediaType, digest, size },
    }),
  );
}
