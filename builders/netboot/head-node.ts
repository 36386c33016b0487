/** The head node's side of netbooting: an HTTP server with configurations and images. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { failure } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { goldenImage } from '../manifest.ts';
import type { Cluster } from './cluster.ts';
import { clusterDocument, nodeDocument, nodeFor } from './documents.ts';
import type { PublishedBundle } from './published.ts';
import { ENTRY_SCRIPTS, grubScript, ipxeScript } from './scripts.ts';
import { sendFile } from './send-file.ts';
import type { SigningKey } from './signify.ts';

export interface HeadNodeOptions {
  readonly bundles: readonly PublishedBundle[];
  readonly cluster: Cluster;
  readonly key: SigningKey;
  /** Address to listen on. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Where images are, when not here: `http://…` or `rsync://host/module`. */
  readonly images?: string;
  /** This server as nodes reach it; as they say themselves when absent. */
  readonly url?: string;
}

export interface HeadNode {
  readonly port: number;
  /** Ends at once, also what is being sent. */
  close(): Promise<void>;
}

/** A client that says nothing for so long is gone; milliseconds. */
const SILENCE = 60_000;

/** What is sent in answer to a request. */
interface Answer {
  readonly status: number;
  readonly text: string;
}
const NOT_FOUND: Answer = { status: 404, text: 'there is no such thing here\n' };

/**
 * Starts to serve; every request is reported as a log line, every image as a task. BOOT073 when the
 * address cannot be used. Ends when `ctx.signal` is aborted, or with `close`.
 */
export async function startHeadNode(options: HeadNodeOptions, ctx: Context): Promise<HeadNode> {
  ctx.signal.throwIfAborted();
  const server = createServer((request, response) => void respond(request, response, options, ctx));
  server.requestTimeout = SILENCE;
  server.setTimeout(SILENCE, (socket) => socket.destroy());
  const port = await listen(server, options);
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      ctx.signal.removeEventListener('abort', onAbort);
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const onAbort = (): void => void close();
  ctx.signal.addEventListener('abort', onAbort, { once: true });
  return { port, close };
}

function listen(server: Server, { host, port }: HeadNodeOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (problem: NodeJS.ErrnoException) =>
      reject(
        failure('BOOT073', `cannot serve on ${host} port ${port}: ${problem.code}`, {
          hint: 'choose another address with --listen',
        }),
      ),
    );
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  options: HeadNodeOptions,
  ctx: Context,
): Promise<void> {
  const started = performance.now();
  const client = (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
  const { method = '', url = '' } = request;
  let sent = 0;
  response.on('error', () => undefined);
  response.once('close', () => {
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const whole = response.writableFinished ? '' : ' broken off';
    const line = `${client} ${method} ${printable(url)} ${response.statusCode} ${sent} ${seconds} s`;
    ctx.report({ type: 'log', level: 'info', message: `${line}${whole}` });
  });
  try {
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      sent = send(request, response, { status: 405, text: 'only GET and HEAD are known here\n' });
      return;
    }
    const name = /^\/images\/([^/?#]+)$/.exec(url)?.[1];
    const file = name === undefined ? undefined : fileNamed(name, options.bundles);
    if (file)
      await sendFile(request, response, { ...file, client }, ctx, (bytes) => (sent = bytes));
    else sent = send(request, response, answer(request, url, options));
  } catch {
    // Nobody is left to tell: the line above says that it was broken off.
    response.destroy();
  }
}

/** Names are looked up as they came: nothing of a request ever becomes a path. */
function fileNamed(name: string, bundles: readonly PublishedBundle[]) {
  for (const { files } of bundles) {
    const file = files.get(name);
    if (file) return { ...file, name };
  }
  return undefined;
}

function answer(request: IncomingMessage, url: string, options: HeadNodeOptions): Answer {
  const [, path = '', signature] = /^\/(.*?)(\.sig)?$/.exec(url) ?? [];
  const text = documentAt(path, request, options);
  if (text === undefined) return NOT_FOUND;
  return { status: 200, text: signature ? options.key.sign(text) : text };
}

function documentAt(
  path: string,
  request: IncomingMessage,
  { cluster, bundles, images, key, url }: HeadNodeOptions,
): string | undefined {
  const server = url ?? ownUrl(request);
  if (path === 'cluster') return clusterDocument(cluster, images ?? `${server}/images`);
  const entry = Object.hasOwn(ENTRY_SCRIPTS, path) ? ENTRY_SCRIPTS[path] : undefined;
  if (entry) return entry(server);
  const [, kind, text = ''] =
    /^(node|ipxe|grub)\/([0-9a-f]{2}(?:[-:][0-9a-f]{2}){5})$/.exec(path) ?? [];
  const found = nodeFor(text.replaceAll('-', ':'), cluster, bundles);
  if (kind === undefined || !found) return undefined;
  const { node, bundle } = found;
  if (kind === 'node') return nodeDocument(node, bundle.stem);
  const image = goldenImage(bundle.manifest);
  if (!image.netboot?.streams['squashfs']) return undefined;
  const script = kind === 'ipxe' ? ipxeScript : grubScript;
  return script(image, { server, key: key.public });
}

/**
 * By the name that the client knows this server by: it may be another than the server's own. GRUB
 * leaves out the port.
 */
function ownUrl({ headers, socket }: IncomingMessage): string {
  const [, host, port = `:${socket.localPort}`] =
    /^([A-Za-z0-9.-]+)(:\d{1,5})?$/.exec(headers.host ?? '') ?? [];
  return host !== undefined
    ? `http://${host}${port}`
    : `http://${socket.localAddress?.replace(/^::ffff:/, '') ?? '127.0.0.1'}:${socket.localPort}`;
}

function send({ method }: IncomingMessage, response: ServerResponse, { status, text }: Answer) {
  const body = Buffer.from(text);
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
  });
  response.end(method === 'HEAD' ? undefined : body);
  return method === 'HEAD' ? 0 : body.length;
}

/** Of a stranger's request, for a line of the log. */
const printable = (url: string): string => url.slice(0, 200).replaceAll(/[^!-~]/g, '?');
