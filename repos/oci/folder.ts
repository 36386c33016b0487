/**
 * A folder in the OCI image layout (image specification 1.1, image-layout.md): written to a disk,
 * read there or through any web server.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { failure } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { getBytes } from '../fetch.ts';
import { HttpClient } from '../http.ts';
import { errorCode } from '../io-errors.ts';
import { PartialFile, writeAtomically } from '../partial-file.ts';
import { TransferError } from '../transfer-error.ts';
import {
  describe,
  MANIFEST_TYPE,
  readIndex,
  readManifest,
  REF_NAME,
  writeIndex,
  type Descriptor,
} from './manifest.ts';
import type { Source, Target } from './place.ts';
import type { Reference } from './reference.ts';

/** In the index: the manifest that another one is attached to. */
const SUBJECT = 'vnd.vsec.subject';
const INDEX = 'index.json';
const PURPOSE = 'write what is published';
const MAX_DOCUMENT = 2 ** 24;
const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

export class FolderTarget implements Target {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async resolve(tag: string): Promise<string | undefined> {
    return (await this.#index()).find(({ annotations }) => annotations?.[REF_NAME] === tag)?.digest;
  }

  async putBlob({ digest, size }: Descriptor, open: () => Readable | Uint8Array): Promise<boolean> {
    const path = join(this.#folder, blobPath(digest));
    if ((await stat(path).catch(() => undefined))?.size === size) return false;
    const file = await PartialFile.create(join(this.#folder, '.partial'), PURPOSE);
    try {
      const content = open();
      const chunks = content instanceof Uint8Array ? [content] : content;
      for await (const chunk of chunks as AsyncIterable<Uint8Array>) await file.write(chunk);
      await file.commit(path);
    } finally {
      await file.discard();
    }
    return true;
  }

  async putManifest(bytes: Buffer, tag?: string): Promise<Descriptor> {
    const made = describe(MANIFEST_TYPE, bytes);
    const { subject, artifactType, annotations } = readManifest(bytes, this.#folder);
    await this.putBlob(made, () => bytes);
    const full: Descriptor = {
      ...made,
      ...(artifactType !== undefined && { artifactType }),
      annotations: {
        ...annotations,
        ...(tag !== undefined && { [REF_NAME]: tag }),
        ...(subject && { [SUBJECT]: subject.digest }),
      },
    };
    const others = (await this.#index()).filter(
      (one) =>
        (one.digest !== full.digest || one.annotations?.[REF_NAME] !== tag) &&
        (tag === undefined || one.annotations?.[REF_NAME] !== tag),
    );
    const layout = JSON.stringify({ imageLayoutVersion: '1.0.0' });
    await writeAtomically(join(this.#folder, 'oci-layout'), layout, PURPOSE);
    await writeAtomically(join(this.#folder, INDEX), writeIndex([...others, full]), PURPOSE);
    return full;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #index(): Promise<readonly Descriptor[]> {
    const path = join(this.#folder, INDEX);
    try {
      return readIndex(await readFile(path), path).manifests;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }
}

export class FolderSource implements Source {
  readonly #address: string;
  readonly #ctx: Context;
  readonly #client: HttpClient;

  constructor({ address }: Reference, ctx: Context) {
    this.#address = address;
    this.#ctx = ctx;
    this.#client = new HttpClient(ctx);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  resolve(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  manifest(digest: string): Promise<Buffer> {
    return this.#get(blobPath(digest));
  }

  async referrers(digest: string, artifactType: string): Promise<readonly Descriptor[]> {
    const index = readIndex(await this.#get(INDEX), `${this.#address}/${INDEX}`);
    return index.manifests.filter(
      (one) => one.artifactType === artifactType && one.annotations?.[SUBJECT] === digest,
    );
  }

  blob(digest: string): ReturnType<Source['blob']> {
    return Promise.resolve({ url: `${this.#address}/${blobPath(digest)}`, headers: {} });
  }

  async #get(path: string): Promise<Buffer> {
    const url = `${this.#address}/${path}`;
    try {
      const options = { signal: this.#ctx.signal, limit: MAX_DOCUMENT };
      return (await getBytes(this.#client, url, options)).bytes ?? Buffer.alloc(0);
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      const missing = error.problem === 'missing';
      throw failure(
        missing ? 'REPO203' : 'REPO202',
        missing ? `nothing is published at ${url}` : `${url} cannot be fetched`,
        { notes: [{ message: error.message }], hint: 'check the address' },
      );
    }
  }
}
