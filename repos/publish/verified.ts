/** A published manifest with the signature that vouches for it: fetched, or kept from last time. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, misuse, type Note } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { digestOf, readManifest, type OciManifest } from '../oci/manifest.ts';
import type { Source } from '../oci/place.ts';
import { showReference, type Reference } from '../oci/reference.ts';
import { writeAtomically } from '../partial-file.ts';
import { fingerprint, type PublicKey } from '../signing/public-key.ts';
import { checkSignature } from '../signing/sshsig.ts';
import { readBlob } from './blobs.ts';
import { ARTIFACT_TYPE, SIGNATURE, type Kind } from './media-types.ts';
import { publisherOf, type Publisher } from './publishers.ts';
import { parseStatement, type Statement } from './statement.ts';

export interface Verified {
  readonly digest: string;
  readonly manifest: OciManifest;
  readonly statement: Statement;
  readonly signer: PublicKey;
}

interface Signed {
  readonly statement: Buffer;
  readonly signature: string;
}

/** Who may sign it. @throws REPO213 (exit code 2) nobody was named */
export async function requirePublisher(
  { name }: Reference,
  env: Context['env'],
): Promise<Publisher> {
  const publisher = await publisherOf(name, env);
  if (publisher) return publisher;
  const folder = name.slice(0, name.lastIndexOf('/'));
  throw misuse('REPO213', `nobody is trusted to publish ${name}`, {
    hint: `get the publisher's public key by a way that you trust, then write into ~/.config/vsec/config.yaml: publishers: { '${folder}': 'ssh-ed25519 AAAA…' }`,
  });
}

/**
 * The manifest `digest` and whoever signed it.
 * @param folder keeps both, so that the next time needs no network; checked all the same
 * @throws REPO205 not of this kind, REPO210 to REPO212 signature, REPO214 changed on the way
 */
export async function obtainVerified(
  reference: Reference,
  digest: string,
  kind: Kind,
  publisher: Publisher,
  from: { readonly source: () => Source; readonly folder: string },
  ctx: Context,
): Promise<Verified> {
  const shown = showReference(reference);
  const kept = join(from.folder, 'manifest.json');
  const known = await readFile(kept).catch(() => undefined);
  const fresh = !known || digestOf(known) !== digest;
  const bytes = fresh ? await from.source().manifest(digest) : known;
  if (digestOf(bytes) !== digest)
    throw failure('REPO214', `${shown} was changed on its way, or where it is kept`, {
      notes: [{ message: `expected ${digest}` }, { message: `got ${digestOf(bytes)}` }],
      hint: 'try again; if it stays, tell whoever runs the registry',
    });
  const manifest = readManifest(bytes, shown);
  if (manifest.artifactType !== ARTIFACT_TYPE[kind])
    throw failure('REPO205', `${shown} is no ${kind} that vsec published`, {
      notes: [{ message: `its kind is ${manifest.artifactType ?? manifest.config.mediaType}` }],
      hint:
        kind === 'base' ? "bundles are fetched with 'vsec fetch'" : "bases are used with 'extends'",
    });
  const keptSignatures = join(from.folder, 'signatures.json');
  const old = fresh ? undefined : await readKept(keptSignatures);
  if (old) {
    try {
      return { digest, manifest, ...judge(old, digest, kind, shown, publisher) };
    } catch (error) {
      // It may have been signed again since, with a new key.
      if (ctx.offline) throw error;
    }
  }
  const signatures = await fetchSignatures(from.source(), digest, ctx);
  const judged = judge(signatures, digest, kind, shown, publisher);
  if (fresh) await writeAtomically(kept, bytes, 'keep a published manifest');
  const text = JSON.stringify(
    signatures.map((one) => ({ ...one, statement: one.statement.toString('base64') })),
  );
  await writeAtomically(keptSignatures, text, 'keep a signature');
  return { digest, manifest, ...judged };
}

async function readKept(path: string): Promise<Signed[] | undefined> {
  try {
    const kept = JSON.parse(await readFile(path, 'utf8')) as {
      statement: string;
      signature: string;
    }[];
    return kept.map((one) => ({ ...one, statement: Buffer.from(one.statement, 'base64') }));
  } catch {
    return undefined;
  }
}

async function fetchSignatures(source: Source, digest: string, ctx: Context): Promise<Signed[]> {
  const found: Signed[] = [];
  for (const { digest: at } of await source.referrers(digest, SIGNATURE)) {
    const bytes = await source.manifest(at);
    if (digestOf(bytes) !== at) continue;
    const [statement, signature] = readManifest(bytes, `signature ${at}`).layers;
    if (!statement || !signature) continue;
    const texts = await Promise.all(
      [statement, signature].map((blob) => readBlob(source, blob, `signature ${at}`, ctx)),
    );
    found.push({ statement: texts[0]!, signature: texts[1]!.toString('utf8') });
  }
  return found;
}

/** The first signature that counts; when none does, why not. */
function judge(
  signatures: readonly Signed[],
  digest: string,
  kind: Kind,
  shown: string,
  publisher: Publisher,
): { readonly statement: Statement; readonly signer: PublicKey } {
  if (signatures.length === 0)
    throw failure('REPO210', `${shown} is not signed`, {
      hint: "whoever publishes it does it with 'vsec publish', which signs",
    });
  const broken: Note[] = [];
  const strangers: Note[] = [];
  for (const { statement: bytes, signature } of signatures) {
    const check = checkSignature(signature, bytes);
    if (!check.valid) {
      broken.push({ message: `a signature does not count: ${check.why}` });
      continue;
    }
    const signer = publisher.keys.find(({ blob }) => blob.equals(check.key));
    if (!signer) {
      strangers.push({ message: `signed by ${fingerprint({ blob: check.key })}` });
      continue;
    }
    const statement = parseStatement(bytes, shown);
    if (statement.manifest === digest && statement.kind === kind) return { statement, signer };
    broken.push({ message: `a signature of ${statement.kind} ${statement.manifest}` });
  }
  if (strangers.length > 0)
    throw failure('REPO211', `${shown} is signed by nobody who may publish it`, {
      notes: [
        ...strangers,
        ...publisher.keys.map((key) => ({
          message: `trusted for ${publisher.prefix}: ${fingerprint(key)} ${key.comment} (${publisher.file})`,
        })),
      ],
      hint: `if the publisher has a new key, get it by a way that you trust and name it in ${publisher.file}`,
    });
  throw failure('REPO212', `the signature of ${shown} is not its signature`, {
    notes: broken,
    hint: 'it was changed after it was signed: tell whoever publishes it',
  });
}

/** `SHA256:… comment`, for locks and messages. */
export const showSigner = (key: PublicKey): string =>
  [fingerprint(key), key.comment].filter(Boolean).join(' ');
