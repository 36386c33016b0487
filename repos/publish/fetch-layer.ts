/** One layer by its address; what it has to be, its digest says. */
import { readFile } from 'node:fs/promises';
import { failure } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { AllMirrorsFailed, fromMirrors, getBytes } from '../fetch.ts';
import { HttpClient, shownUrl } from '../http.ts';
import { digestOf } from '../oci/manifest.ts';
import { Store } from '../store.ts';

/** Bytes. */
const MAX_LAYER = 2 ** 20;

/**
 * The bytes at `url`, from the cache if they are there. The caller compares the digest.
 * @throws REPO113 offline, REPO202 not to be had
 */
export async function fetchLayer(url: string, sha256: string, ctx: Context): Promise<Uint8Array> {
  const store = new Store(ctx.cacheDir);
  if (await store.verify(sha256)) return readFile(store.path(sha256));
  if (ctx.offline)
    throw failure('REPO113', `${shownUrl(url)} is not in the cache`, {
      hint: 'run once without --offline',
    });
  const client = new HttpClient(ctx, 1);
  try {
    const { bytes = Buffer.alloc(0) } = await fromMirrors([url], ctx.signal, () =>
      getBytes(client, url, { signal: ctx.signal, limit: MAX_LAYER }),
    );
    if (digestOf(bytes) === `sha256:${sha256}`) {
      const file = await store.begin();
      await file.write(bytes);
      await store.adopt(file);
    }
    return bytes;
  } catch (error) {
    if (!(error instanceof AllMirrorsFailed)) throw error;
    throw failure('REPO202', `${shownUrl(url)} cannot be fetched`, {
      notes: error.attempts.map(({ message }) => ({ message })),
      hint: 'check the address and the network',
    });
  } finally {
    await client.close();
  }
}
