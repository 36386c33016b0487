/** A registry, by the OCI distribution specification 1.1. */
import type { Readable } from 'node:stream';
import { failure } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { HttpClient, type Answer, type SendOptions } from '../http.ts';
import { TransferError } from '../transfer-error.ts';
import { authorize, loginRefused } from './login.ts';
import {
  describe,
  digestOf,
  INDEX_TYPE,
  MANIFEST_TYPE,
  readIndex,
  readManifest,
  writeIndex,
  type Descriptor,
} from './manifest.ts';
import type { Source, Target } from './place.ts';
import type { Reference } from './reference.ts';

/** Tokens are made for a minute or more. */
const LOGIN_LASTS = 45_000;
const ACCEPT = `${MANIFEST_TYPE}, ${INDEX_TYPE}`;

export class Registry implements Source, Target {
  readonly #address: string;
  readonly #host: string;
  readonly #repository: string;
  readonly #scope: string;
  readonly #ctx: Context;
  readonly #client: HttpClient;
  #login: { readonly until: number; readonly header: Promise<string | undefined> } | undefined;

  constructor({ address, repository }: Reference, ctx: Context, access: 'pull' | 'pull,push') {
    this.#address = address;
    this.#host = new URL(address).host;
    this.#repository = repository;
    this.#scope = `repository:${repository}:${access}`;
    this.#ctx = ctx;
    this.#client = new HttpClient(ctx);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async resolve(tag: string): Promise<string | undefined> {
    const found = await this.#manifest(tag);
    return found && digestOf(found);
  }

  async manifest(digest: string): Promise<Buffer> {
    const found = await this.#manifest(digest);
    if (found) return found;
    throw failure('REPO203', `the registry ${this.#host} has no ${this.#repository}@${digest}`, {
      hint: 'ask whoever publishes it whether it was withdrawn',
    });
  }

  async referrers(digest: string, artifactType: string): Promise<readonly Descriptor[]> {
    const where = `referrers of ${digest}`;
    const answer = await this.#send('GET', `referrers/${digest}`, { accept: INDEX_TYPE });
    const index =
      answer.status === 200 ? answer.body : await this.#manifest(digest.replace(':', '-'));
    return index
      ? readIndex(index, where).manifests.filter((one) => one.artifactType === artifactType)
      : [];
  }

  async blob(digest: string): ReturnType<Source['blob']> {
    const header = await this.#authorization();
    return { url: this.#url(`blobs/${digest}`), headers: header ? { authorization: header } : {} };
  }

  async putBlob({ digest, size }: Descriptor, open: () => Readable | Uint8Array): Promise<boolean> {
    const known = await this.#send('HEAD', `blobs/${digest}`);
    if (known.status === 200) return false;
    const begun = await this.#send('POST', 'blobs/uploads/');
    const location = begun.headers['location'];
    if (begun.status !== 202 || location === undefined) throw this.#refused('an upload', begun);
    const url = new URL(location, this.#url('blobs/uploads/'));
    url.searchParams.set('digest', digest);
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(size) };
    const done = await this.#send('PUT', url.href, headers, open());
    if (done.status !== 201) throw this.#refused(`the blob ${digest}`, done);
    return true;
  }

  async putManifest(bytes: Buffer, tag?: string): Promise<Descriptor> {
    const made = describe(MANIFEST_TYPE, bytes);
    const { subject, artifactType, annotations } = readManifest(bytes, this.#repository);
    const headers = { 'content-type': MANIFEST_TYPE };
    const answer = await this.#send('PUT', `manifests/${tag ?? made.digest}`, headers, bytes);
    if (answer.status !== 201) throw this.#refused(`the manifest ${tag ?? made.digest}`, answer);
    const full = {
      ...made,
      ...(artifactType !== undefined && { artifactType }),
      ...(annotations && { annotations }),
    };
    if (subject && answer.headers['oci-subject'] === undefined)
      await this.#addReferrer(subject, full);
    return full;
  }

  /** For registries without a referrers API: an index under a tag made of the subject's digest. */
  async #addReferrer(subject: Descriptor, referrer: Descriptor): Promise<void> {
    const tag = subject.digest.replace(':', '-');
    const before = await this.#manifest(tag);
    const known = before ? readIndex(before, tag).manifests : [];
    if (known.some(({ digest }) => digest === referrer.digest)) return;
    const headers = { 'content-type': INDEX_TYPE };
    const bytes = writeIndex([...known, referrer]);
    const answer = await this.#send('PUT', `manifests/${tag}`, headers, bytes);
    if (answer.status !== 201) throw this.#refused(`the index ${tag}`, answer);
  }

  async #manifest(reference: string): Promise<Buffer | undefined> {
    const answer = await this.#send('GET', `manifests/${reference}`, { accept: ACCEPT });
    if (answer.status === 404) return undefined;
    if (answer.status === 200) return answer.body;
    throw this.#refused(`${this.#repository}:${reference}`, answer);
  }

  #url(path: string): string {
    return path.includes('://') ? path : `${this.#address}/v2/${this.#repository}/${path}`;
  }

  #authorization(): Promise<string | undefined> {
    const now = Date.now();
    if (!this.#login || this.#login.until < now) {
      const header = authorize(this.#client, this.#address, this.#scope, this.#ctx);
      this.#login = { until: now + LOGIN_LASTS, header };
    }
    return this.#login.header.catch((error: unknown) => {
      throw this.#unreachable(error);
    });
  }

  async #send(
    method: SendOptions['method'],
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: SendOptions['body'],
  ): Promise<Answer> {
    const authorization = await this.#authorization();
    try {
      const answer = await this.#client.send(this.#url(path), {
        method,
        signal: this.#ctx.signal,
        headers: { ...headers, ...(authorization !== undefined && { authorization }) },
        ...(body && { body }),
      });
      if (answer.status !== 401 && answer.status !== 403) return answer;
      throw loginRefused(this.#host, `it answers ${answer.status} to ${method} ${path}`);
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): unknown {
    if (!(error instanceof TransferError)) return error;
    return failure('REPO202', `the registry ${this.#host} cannot be reached`, {
      notes: [{ message: error.message }],
      hint: 'check the name, the network and the proxy variables; plain http has to be said: oci+http://',
    });
  }

  #refused(what: string, { status, body }: Answer) {
    return failure('REPO202', `the registry ${this.#host} does not take or give ${what}`, {
      notes: [{ message: `HTTP status ${status}: ${body.toString('utf8').slice(0, 300)}`.trim() }],
    });
  }
}
