/** Blobs of a source: small ones into memory, large ones into files; wrong ones not at all. */
import { failure, type VsecError } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { AllMirrorsFailed, download, fromMirrors, getBytes } from '../fetch.ts';
import { HttpClient, shownUrl } from '../http.ts';
import { digestOf, type Descriptor } from '../oci/manifest.ts';
import type { Source } from '../oci/place.ts';
import type { PartialFile } from '../partial-file.ts';

/** Documents: configurations, statements, signatures. Bytes. */
const MAX_DOCUMENT = 2 ** 24;

/** @param what for messages. @throws REPO202 not to be had, REPO214 not what it should be */
export async function readBlob(
  source: Source,
  { digest, size }: Descriptor,
  what: string,
  ctx: Context,
): Promise<Buffer> {
  const { url, headers } = await source.blob(digest);
  const client = new HttpClient(ctx, 1);
  try {
    const limit = Math.min(size, MAX_DOCUMENT);
    const { bytes = Buffer.alloc(0) } = await fromMirrors([url], ctx.signal, () =>
      getBytes(client, url, { signal: ctx.signal, headers, limit }),
    );
    if (digestOf(bytes) === digest) return bytes;
    throw tampered(what, [`expected ${digest}`, `got ${digestOf(bytes)}`]);
  } catch (error) {
    throw blobFailure(error, what);
  } finally {
    await client.close();
  }
}

/** Receives a blob into `file`, going on with what is there. @throws as {@link readBlob} */
export async function downloadBlob(
  client: HttpClient,
  source: Source,
  { digest, size }: Descriptor,
  file: PartialFile,
  what: string,
  ctx: Context,
  onBytes?: (difference: number) => void,
): Promise<void> {
  const { url, headers } = await source.blob(digest);
  const sha256 = digest.replace('sha256:', '');
  const { signal } = ctx;
  try {
    if (file.size === size && file.sha256 === sha256) return;
    await download(client, file, {
      urls: [url],
      ...{ size, sha256, signal, headers },
      ...(onBytes && { onBytes }),
    });
  } catch (error) {
    throw blobFailure(error, what);
  }
}

function blobFailure(error: unknown, what: string): unknown {
  if (!(error instanceof AllMirrorsFailed)) return error;
  const notes = error.attempts.map((a) => `${shownUrl(a.url)}: ${a.message}`);
  if (error.attempts.some(({ problem }) => problem === 'digest' || problem === 'length'))
    return tampered(what, notes);
  return failure('REPO202', `${what} cannot be fetched`, {
    notes: notes.map((message) => ({ message })),
    hint: 'what came so far is kept: run it again',
  });
}

const tampered = (what: string, notes: readonly string[]): VsecError =>
  failure('REPO214', `${what} was changed on its way, or where it is kept`, {
    notes: notes.map((message) => ({ message })),
    hint: 'try again; if it stays, tell whoever runs the registry',
  });
