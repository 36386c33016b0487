/** Requests over http and https, and GET of files: one client per piece of work, closed with it. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Dispatcher } from 'undici';
import type { Context } from '../vse/report.ts';
import { errorCode } from './io-errors.ts';
import { transferError, TransferError } from './transfer-error.ts';

const MAX_REDIRECTS = 5;
const MAX_WAIT = 10;
const SYSTEM_CERTIFICATES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

export interface GetOptions {
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpResponse {
  /** 200, 206, 304 or 416; every other status is thrown. */
  readonly status: 200 | 206 | 304 | 416;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface SendOptions extends GetOptions {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  /** A stream when it is large; then `content-length` is among the headers. */
  readonly body?: Uint8Array | Readable;
}

/** An answer whatever its status; a body of at most 16 MiB. */
export interface Answer {
  readonly status: number;
  readonly headers: HttpResponse['headers'];
  readonly body: Buffer;
}

const MAX_ANSWER = 2 ** 24;

/** The address as it may be shown: without user name and password. */
export function shownUrl(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/@]*@/, '$1');
}

/** A client with keep-alive connections. Obeys the proxy variables of `ctx.env`. */
export class HttpClient {
  readonly #env: Context['env'];
  readonly #connections: number;
  readonly #timeout: number;
  readonly #dispatchers = new Map<boolean, Promise<Dispatcher>>();

  /** @param connections kept open to one host */
  constructor(ctx: Pick<Context, 'env'>, connections = 8) {
    this.#env = ctx.env;
    this.#connections = connections;
    const seconds = Number(ctx.env['VSEC_NETWORK_TIMEOUT'] ?? 30);
    this.#timeout = (seconds > 0 ? seconds : 30) * 1000;
  }

  /**
   * Gives the response to `use`; a body that was not read to its end when `use` is done closes
   * its connection. Follows up to five redirects, never from https to http and never to a file.
   * @throws TransferError
   */
  async get<T>(
    url: string,
    options: GetOptions,
    use: (response: HttpResponse) => Promise<T>,
  ): Promise<T> {
    options.signal.throwIfAborted();
    let at = url;
    let asked = options;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      if (at.startsWith('file:')) return getFile(at, options, use);
      const response = await this.#request(at, asked);
      const status = response.statusCode;
      const headers = flat(response.headers);
      if (status === 200 || status === 206 || status === 304 || status === 416) {
        return consume(at, response.body, options.signal, (body) => use({ status, headers, body }));
      }
      await response.body.dump().catch(() => {});
      options.signal.throwIfAborted();
      if (![301, 302, 303, 307, 308].includes(status)) throw statusError(at, status, headers);
      const next = redirectTarget(at, headers['location']);
      if (new URL(next).host !== new URL(at).host) asked = withoutLogin(asked);
      at = next;
    }
    throw new TransferError('status', url, `more than ${MAX_REDIRECTS} redirects`);
  }

  /** Sends one request; follows no redirects. @throws TransferError when no answer comes */
  async send(url: string, options: SendOptions): Promise<Answer> {
    options.signal.throwIfAborted();
    const response = await this.#request(url, options);
    const chunks: Uint8Array[] = [];
    let size = 0;
    await consume(url, response.body, options.signal, async (body) => {
      for await (const chunk of body) {
        if ((size += chunk.length) > MAX_ANSWER)
          throw new TransferError('length', url, `answers with more than ${MAX_ANSWER} bytes`);
        chunks.push(chunk);
      }
    });
    const headers = flat(response.headers);
    return { status: response.statusCode, headers, body: Buffer.concat(chunks) };
  }

  /** Closes every connection, also those in use. */
  async close(): Promise<void> {
    const dispatchers = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    await Promise.allSettled(dispatchers.map(async (dispatcher) => (await dispatcher).destroy()));
  }

  async #request(
    url: string,
    options: GetOptions & Partial<SendOptions>,
  ): Promise<Dispatcher.ResponseData> {
    const { origin, pathname, search, username, password } = new URL(url);
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    const dispatcher = await this.#dispatcher(url.startsWith('https:'));
    try {
      return await dispatcher.request({
        origin,
        path: pathname + search,
        method: options.method ?? 'GET',
        ...(options.body && { body: options.body }),
        headers: {
          'user-agent': 'vsec',
          'accept-encoding': 'identity',
          ...(username !== '' && { authorization: `Basic ${login.toString('base64')}` }),
          ...options.headers,
        },
        signal: options.signal,
      });
    } catch (error) {
      options.signal.throwIfAborted();
      throw transferError(url, error);
    }
  }

  /** Loading the authorities takes a while, so plain http goes without. */
  #dispatcher(secure: boolean): Promise<Dispatcher> {
    const known = this.#dispatchers.get(secure);
    if (known) return known;
    const made = this.#connect(secure);
    this.#dispatchers.set(secure, made);
    return made;
  }

  async #connect(secure: boolean): Promise<Dispatcher> {
    const { default: undici } = await import('undici');
    const env = this.#env;
    const timeout = Math.min(this.#timeout, 15_000);
    const httpProxy = env['http_proxy'] ?? env['HTTP_PROXY'] ?? '';
    const tls = secure || httpProxy.startsWith('https:');
    const connect = tls
      ? { timeout, secureContext: createSecureContext({ ca: await authorities(env) }) }
      : { timeout };
    return new undici.EnvHttpProxyAgent({
      httpProxy,
      httpsProxy: env['https_proxy'] ?? env['HTTPS_PROXY'] ?? '',
      noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
      // Plain http goes through a proxy as apt does it: many allow CONNECT to port 443 only.
      proxyTunnel: false,
      connections: this.#connections,
      headersTimeout: this.#timeout,
      bodyTimeout: this.#timeout,
      connect,
      requestTls: connect,
      proxyTls: connect,
    });
  }
}

/** The system's certificate authorities (else Node's own) and those of NODE_EXTRA_CA_CERTS. */
async function authorities(env: Context['env']): Promise<string[]> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  const found: string[] = [];
  for (const path of [env['SSL_CERT_FILE'], ...SYSTEM_CERTIFICATES]) {
    const pem = path ? await read(path) : '';
    if (!pem.includes('BEGIN CERTIFICATE')) continue;
    found.push(pem);
    break;
  }
  if (found.length === 0) found.push(...rootCertificates);
  const extra = env['NODE_EXTRA_CA_CERTS'];
  if (extra && !SYSTEM_CERTIFICATES.includes(extra)) found.push(await read(extra));
  return found.filter((pem) => pem !== '');
}

async function consume<T>(
  url: string,
  body: Readable,
  signal: AbortSignal,
  use: (body: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  try {
    return await use(readBody(url, body, signal));
  } finally {
    body.on('error', () => {}).destroy();
  }
}

async function* readBody(
  url: string,
  body: Readable,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (error) {
    signal.throwIfAborted();
    throw transferError(url, error);
  }
}

/** Who may read at one host need not be known to another. */
function withoutLogin(options: GetOptions): GetOptions {
  const { authorization: _, ...headers } = options.headers ?? {};
  return { ...options, headers };
}

function statusError(
  url: string,
  status: number,
  headers: Readonly<Record<string, string | undefined>>,
): TransferError {
  const missing = status === 404 || status === 410;
  const wait = Number(headers['retry-after']);
  return new TransferError(missing ? 'missing' : 'status', url, `HTTP status ${status}`, {
    retry: status >= 500 || status === 408 || status === 429,
    ...(wait > 0 && { wait: Math.min(wait, MAX_WAIT) }),
  });
}

function redirectTarget(from: string, location: string | undefined): string {
  const to =
    location !== undefined && URL.canParse(location, from) ? new URL(location, from) : undefined;
  const secure = from.startsWith('https:');
  if (to && (to.protocol === 'https:' || (to.protocol === 'http:' && !secure))) return to.href;
  const why = location === undefined ? 'a redirect to nowhere' : `a redirect to ${location}`;
  throw new TransferError('status', from, why);
}

function flat(headers: Dispatcher.ResponseData['headers']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );
}

async function getFile<T>(
  url: string,
  { headers: asked, signal }: GetOptions,
  use: (response: HttpResponse) => Promise<T>,
): Promise<T> {
  const start = Number(/^bytes=(\d+)-$/.exec(asked?.['range'] ?? '')?.[1] ?? 0);
  const path = fileURLToPath(url);
  let size: number;
  try {
    size = (await stat(path)).size;
  } catch (error) {
    const missing = errorCode(error) === 'ENOENT';
    const message = missing ? 'no such file' : (error as Error).message;
    throw new TransferError(missing ? 'missing' : 'status', url, message, { cause: error });
  }
  const range = start > 0 && { 'content-range': `bytes ${start}-${size - 1}/${size}` };
  const headers = { 'content-length': String(size - start), ...range };
  return consume(url, createReadStream(path, { start }), signal, (body) =>
    use({ status: start > 0 ? 206 : 200, headers, body }),
  );
}
