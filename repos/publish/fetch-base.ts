/** `extends: oci://…` and `https://…#sha256=…`: fetched, verified, unpacked, kept. */
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { failure, VsecError, warning } from '../../vse/diagnostic.ts';
import type { OpenedBase } from '../../vse/published.ts';
import { task, type Context } from '../../vse/report.ts';
import { errorCode, explainIo, makeFolder } from '../io-errors.ts';
import type { LockedBase } from '../lock.ts';
import { HttpClient } from '../http.ts';
import { digestOf } from '../oci/manifest.ts';
import { openSource } from '../oci/open.ts';
import type { Source } from '../oci/place.ts';
import { parseReference, showReference, type Reference } from '../oci/reference.ts';
import { writeAtomically } from '../partial-file.ts';
import { Store } from '../store.ts';
import { unpackArchive } from './archive.ts';
import { readBaseConfig } from './base-config.ts';
import { downloadBlob, readBlob } from './blobs.ts';
import { checkStatement, lastSeen, refuseMoved, remember, type Known } from './tags.ts';
import { obtainVerified, requirePublisher, showSigner, type Verified } from './verified.ts';

/**
 * How much is asked of the registry. `never`: what a lock or an earlier run knows is enough.
 * `check`: has a version's tag been moved? `upgrade`: take what tags name now.
 */
export type Freshness = 'never' | 'check' | 'upgrade';

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
    const publisher = await requirePublisher(reference, ctx.env);
    const online = new Online(reference, ctx);
    try {
      const pin = (await this.#options.pins()).find((one) => one.reference === text);
      const before = pin ?? (await lastSeen(reference, ctx));
      const digest = await this.#digest(reference, before, online);
      const folder = join(ctx.cacheDir, 'bases', digest.replace(':', '-'));
      const source = () => online.source();
      const from = { source, folder };
      const verified = await obtainVerified(reference, digest, 'base', publisher, from, ctx);
      checkStatement(reference, digest, verified.statement, before);
      const root = join(folder, 'tree');
      const config = await this.#config(verified, folder, source, showReference(reference));
      const { version } = verified.statement;
      await remember(reference, { digest, version }, ctx);
      const { main, names } = config;
      const signedBy = showSigner(verified.signer);
      return { reference: text, digest, version, signedBy, root, main, names };
    } finally {
      await online.close();
    }
  }

  /** Which manifest is meant. */
  async #digest(reference: Reference, before: Known | undefined, online: Online): Promise<string> {
    if (reference.digest !== undefined) return reference.digest;
    const { freshness } = this.#options;
    if (before && (freshness === 'never' || this.#ctx.offline)) return before.digest;
    const shown = showReference(reference);
    let now: string | undefined;
    try {
      now = await online.source().resolve(reference.tag ?? 'latest');
    } catch (error) {
      const code = error instanceof VsecError ? error.diagnostics[0]?.code : undefined;
      if (!before || code !== 'REPO202') throw error;
      const reason = { message: (error as Error).message };
      const diagnostic = warning('REPO192', `${shown} could not be looked up again`, {
        notes: [reason],
        hint: `what it was before is used: version ${before.version}`,
      });
      this.#ctx.report({ type: 'diagnostic', diagnostic });
      return before.digest;
    }
    if (now === undefined)
      throw failure('REPO203', `nothing is published as ${shown}`, {
        hint: 'mind the name and the version',
      });
    refuseMoved(reference, before, now);
    return before && freshness !== 'upgrade' ? before.digest : now;
  }

  /** Unpacks it, unless that was done before. */
  async #config(verified: Verified, folder: string, source: () => Source, shown: string) {
    const ctx = this.#ctx;
    const { config, layers } = verified.manifest;
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
    layer: Verified['manifest']['layers'][number],
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

/** The registry, opened when it is first needed; never when working offline. */
class Online {
  readonly #reference: Reference;
  readonly #ctx: Context;
  #source: Source | undefined;

  constructor(reference: Reference, ctx: Context) {
    this.#reference = reference;
    this.#ctx = ctx;
  }

  source(): Source {
    if (this.#ctx.offline)
      throw failure('REPO113', `${showReference(this.#reference)} is not in the cache`, {
        hint: 'run once without --offline',
      });
    return (this.#source ??= openSource(this.#reference, this.#ctx));
  }

  async close(): Promise<void> {
    await this.#source?.close();
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
