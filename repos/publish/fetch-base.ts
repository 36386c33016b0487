/** `extends: oci://…` and `https://…#sha256=…`: fetched, verified, unpacked, kept. */
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import type { OpenedBase } from '../../vse/published.ts';
import { task, type Context } from '../../vse/report.ts';
import { errorCode, explainIo, makeFolder } from '../io-errors.ts';
import type { LockedBase } from '../lock.ts';
import { HttpClient } from '../http.ts';
import { digestOf, type Descriptor } from '../oci/manifest.ts';
import type { Source } from '../oci/place.ts';
import { parseReference, showReference } from '../oci/reference.ts';
import { writeAtomically } from '../partial-file.ts';
import { Store } from '../store.ts';
import { unpackArchive } from './archive.ts';
import { readBaseConfig, type BaseConfig } from './base-config.ts';
import { downloadBlob, readBlob } from './blobs.ts';
import { lookUp, Online, type Freshness, type LookedUp } from './look-up.ts';
import { showSigner } from './verified.ts';

export interface BaseOptions {
  readonly freshness: Freshness;
  /** What a lock says. */
  readonly pins: () => Promise<readonly LockedBase[]>;
}

/** Opens published bases for one run; a base that is named twice is fetched once. */
export class BaseOpener {
  readonly #ctx: Context;
  readonly #options: BaseOptions;
  readonly #opened = new Map<string, Promise<OpenedBase>>();

  constructor(options: BaseOptions, ctx: Context) {
    this.#options = options;
    this.#ctx = ctx;
  }

  /** @throws REPO201 to REPO219 */
  open(text: string): Promise<OpenedBase> {
    const known = this.#opened.get(text);
    if (known) return known;
    const opened = this.#open(text);
    this.#opened.set(text, opened);
    return opened;
  }

  async #open(text: string): Promise<OpenedBase> {
    const ctx = this.#ctx;
    const reference = parseReference(text);
    const online = new Online(reference, ctx);
    try {
      const pin = (await this.#options.pins()).find((one) => one.reference === text);
      const { freshness } = this.#options;
      const found = await lookUp(reference, 'base', { freshness, pin }, online, ctx);
      const { folder, digest, statement } = found;
      const shown = showReference(reference);
      const { main, names } = await this.#config(found, () => online.source(), shown);
      return {
        reference: text,
        digest,
        version: statement.version,
        signedBy: showSigner(found.signer),
        root: join(folder, 'tree'),
        main,
        names,
      };
    } finally {
      await online.close();
    }
  }

  /** Unpacks it, unless that was done before. */
  async #config(found: LookedUp, source: () => Source, shown: string): Promise<BaseConfig> {
    const ctx = this.#ctx;
    const { folder } = found;
    const { config, layers } = found.manifest;
    const store = new Store(ctx.cacheDir);
    const layer = layers[0];
    if (!layer || layers.length > 1)
      throw failure('REPO205', `${shown} is no base that this vsec can read`, {
        hint: 'a newer vsec may',
      });
    const kept = join(folder, 'config.json');
    const old = await readFile(kept).catch(() => undefined);
    const bytes =
      old && digestOf(old) === config.digest ? old : await readBlob(source(), config, shown, ctx);
    if (bytes !== old) await writeAtomically(kept, bytes, 'keep the configuration of a base');
    const read = readBaseConfig(bytes, shown);
    if (await exists(join(folder, 'tree', read.main))) return read;
    await task(ctx.report, `base:${shown}`, `Fetching ${shown}`, async () => {
      const archive = await this.#archive(store, source, layer, shown);
      const scratch = join(folder, `.unpacking-${randomBytes(6).toString('hex')}`);
      await explainIo('unpack a base', scratch, async () => {
        await makeFolder(scratch);
        try {
          await unpackArchive(archive, scratch, shown);
          await rename(scratch, join(folder, 'tree')).catch((error: unknown) => {
            // Somebody else was faster.
            if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) throw error;
          });
        } finally {
          await rm(scratch, { recursive: true, force: true });
        }
      });
    });
    return read;
  }

  async #archive(
    store: Store,
    source: () => Source,
    layer: Descriptor,
    shown: string,
  ): Promise<string> {
    const sha256 = layer.digest.replace('sha256:', '');
    if (await store.has(sha256, layer.size)) return store.path(sha256);
    const client = new HttpClient(this.#ctx, 1);
    const file = await store.begin();
    try {
      await downloadBlob(client, source(), layer, file, shown, this.#ctx);
      return await store.adopt(file);
    } finally {
      await file.discard();
      await client.close();
    }
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
