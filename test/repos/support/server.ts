/** A web server for a folder, which can be told to misbehave. */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';

export interface SeenRequest {
  readonly path: string;
  readonly range: string | undefined;
}

/** Answers a request itself (true), or leaves it to the folder. */
export type Misbehaviour = (
  request: IncomingMessage,
  response: ServerResponse,
  /** What the folder holds there. */
  content: Buffer | undefined,
) => boolean | Promise<boolean>;

export class MirrorServer {
  readonly requests: SeenRequest[] = [];
  readonly sockets = new Set<Socket>();
  misbehave: Misbehaviour | undefined;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(root: string, misbehave?: Misbehaviour): Promise<MirrorServer> {
    const server = createServer();
    const mirror = new MirrorServer(server);
    mirror.misbehave = misbehave;
    server.on('connection', (socket) => {
      mirror.sockets.add(socket);
      socket.on('close', () => mirror.sockets.delete(socket));
    });
    server.on('request', (request, response) => {
      void mirror.#answer(root, request, response);
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    return mirror;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  paths(): string[] {
    return this.requests.map(({ path }) => path);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((stopped) => this.#server.close(stopped));
  }

  async #answer(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A proxy is asked for whole addresses.
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://mirror.example').pathname);
    const { range } = request.headers;
    this.requests.push({ path, range });
    const content = await readFile(join(root, path)).catch(() => undefined);
    if (await this.misbehave?.(request, response, content)) return;
    if (!content) {
      response.writeHead(404).end('nothing here');
      return;
    }
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (start >= content.length && start > 0) {
      response.writeHead(416).end();
      return;
    }
    const part = content.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': part.length,
      ...(start > 0 && {
        'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
      }),
    });
    response.end(part);
  }
}

/** Sends the headers for all of it, some of it, and then nothing: the connection is cut. */
export function cut(response: ServerResponse, content: Buffer, start: number, bytes: number): true {
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': content.length - start,
    ...(start > 0 && { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }),
  });
  response.write(content.subarray(start, start + bytes), () => response.socket?.end());
  return true;
}
