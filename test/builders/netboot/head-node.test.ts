import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Manifest } from '../../../builders/manifest.ts';
import type { HeadNode } from '../../../builders/netboot/head-node.ts';
import { startHeadNode } from '../../../builders/netboot/head-node.ts';
import type { PublishedBundle } from '../../../builders/netboot/published.ts';
import { temporaryKey } from '../../../builders/netboot/signify.ts';
import type { ReportEvent } from '../../../vse/report.ts';

const CONTENT = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
const MAC = '00-16-3e-00-00-01';

describe('a head node', () => {
  const events: ReportEvent[] = [];
  const key = temporaryKey();
  const stop = new AbortController();
  let folder: string;
  let head: HeadNode;
  let url: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'head-node-'));
    writeFileSync(join(folder, 'cfd.tar.zst'), CONTENT);
    writeFileSync(join(folder, 'secret'), 'secret');
    const sha256 = createHash('sha256').update(CONTENT).digest('hex');
    const file = { path: join(folder, 'cfd.tar.zst'), size: CONTENT.length, sha256 };
    const bundle: PublishedBundle = {
      stem: 'cfd_1_amd64',
      folder,
      manifest: { name: 'cfd' } as Manifest,
      files: new Map([['cfd.tar.zst', file]]),
    };
    const nodes = [
      { name: 'n1', mac: '00:16:3e:00:00:01', address: '10.0.0.11/24', dns: ['10.0.0.1'] },
    ];
    head = await startHeadNode(
      { bundles: [bundle], cluster: { name: 'hpc1', nodes }, key, host: '127.0.0.1', port: 0 },
      {
        report: (event) => events.push(event),
        signal: stop.signal,
        cacheDir: folder,
        jobs: 1,
        offline: true,
        env: {},
      },
    );
    url = `http://127.0.0.1:${head.port}`;
  });
  afterAll(async () => {
    await head.close();
    rmSync(folder, { recursive: true });
  });

  const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const response = await fetch(`${url}${path}`, { headers, method });
    return { response, body: Buffer.from(await response.arrayBuffer()) };
  };

  /** Sends a request line as it is: clients tidy paths up. */
  const raw = (line: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(head.port, '127.0.0.1', () =>
        socket.write(`${line}\r\nHost: x\r\nConnection: close\r\n\r\n`),
      );
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString('latin1')));
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
    });

  it('tells the cluster its configuration, and where images are, as the client knows it', async () => {
    const { body } = await get('/cluster');
    expect(body.toString()).toBe(`vsec-cluster 1\ncluster hpc1\nimages ${url}/images\n`);
  });

  it('tells a node its own', async () => {
    const { body } = await get(`/node/${MAC}`);
    expect(body.toString()).toBe(
      'vsec-node 1\nmac 00:16:3e:00:00:01\nhostname n1\nimage cfd_1_amd64\naddress 10.0.0.11/24\ndns 10.0.0.1\n',
    );
  });

  it('signs what it tells', async () => {
    const { body } = await get('/cluster');
    const signature = (await get('/cluster.sig')).body.toString().split('\n')[1] ?? '';
    const bytes = Buffer.from(signature, 'base64');
    const point = Buffer.from(key.public, 'base64');
    expect(bytes.subarray(0, 10).equals(point.subarray(0, 10))).toBe(true);
    const spki = Buffer.concat([
      Buffer.from('302a300506032b6570032100', 'hex'),
      point.subarray(10),
    ]);
    const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    expect(verify(null, body, publicKey, bytes.subarray(10))).toBe(true);
    expect(verify(null, Buffer.from('other'), publicKey, bytes.subarray(10))).toBe(false);
  });

  it.each([
    ['another machine', '/node/00-16-3e-00-00-02'],
    ['no MAC address', '/node/n1'],
    ['an address with more', `/node/${MAC}/../x`],
    ['an unknown file', '/images/other.tar.zst'],
    ['a file that is not published', '/images/secret'],
    ['nothing', '/'],
    ['signatures of images', '/images/cfd.tar.zst.sig'],
  ])('knows nothing of %s', async (_, path) => {
    expect((await get(path)).response.status).toBe(404);
  });

  it.each([
    'GET /images/../secret HTTP/1.1',
    'GET /images/%2e%2e%2fsecret HTTP/1.1',
    'GET /images/..%2fsecret HTTP/1.1',
    'GET //images/secret HTTP/1.1',
    'GET /images//etc/passwd HTTP/1.1',
    'GET /images/cfd.tar.zst%00.sig HTTP/1.1',
    'GET http://x/images/secret HTTP/1.1',
    'GET /images/__proto__ HTTP/1.1',
    'GET /images/constructor HTTP/1.1',
  ])('gives nothing for %s', async (line) => {
    const text = await raw(line);
    expect(text).toMatch(/^HTTP\/1\.1 404 /);
    expect(text).not.toContain('secret\n');
  });

  it('does not put a strange Host header into what it signs', async () => {
    const text = await raw('GET /cluster HTTP/1.1\r\nHost: a b$(reboot)');
    expect(text).not.toContain('reboot');
  });

  it('sends a whole image', async () => {
    const { response, body } = await get('/images/cfd.tar.zst');
    expect(response.status).toBe(200);
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    expect(body.equals(CONTENT)).toBe(true);
  });

  it.each([
    ['bytes=0-9', 0, 10],
    ['bytes=990-', 990, 1000],
    ['bytes=-10', 990, 1000],
    ['bytes=990-5000', 990, 1000],
  ])('sends the range %s', async (range, start, end) => {
    const { response, body } = await get('/images/cfd.tar.zst', { Range: range });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/1000`);
    expect(body.equals(CONTENT.subarray(start, end))).toBe(true);
  });

  it('says when a range lies outside', async () => {
    const { response } = await get('/images/cfd.tar.zst', { Range: 'bytes=1000-' });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe('bytes */1000');
  });

  it.each(['bytes=0-1,5-6', 'lines=1-2', 'nonsense'])('sends all for %s', async (range) => {
    expect((await get('/images/cfd.tar.zst', { Range: range })).response.status).toBe(200);
  });

  it('sends all when the image is not the one that was begun', async () => {
    const headers = { Range: 'bytes=10-', 'If-Range': '"other"' };
    expect((await get('/images/cfd.tar.zst', headers)).response.status).toBe(200);
  });

  it('answers HEAD without the image, and takes nothing', async () => {
    const { response, body } = await get('/images/cfd.tar.zst', {}, 'HEAD');
    expect([response.status, body.length]).toEqual([200, 0]);
    expect(response.headers.get('content-length')).toBe('1000');
    expect((await get('/cluster', {}, 'PUT')).response.status).toBe(405);
  });

  it('reports each request, and images as tasks', async () => {
    events.length = 0;
    await get('/images/cfd.tar.zst', { Range: 'bytes=0-9' });
    await expect
      .poll(() => events.filter((event) => event.type === 'log').map(({ message }) => message))
      .toEqual([
        expect.stringMatching(/^127\.0\.0\.1 GET \/images\/cfd\.tar\.zst 206 10 0\.\d s$/),
      ]);
    // The client may have it all before the server's task is over.
    await expect
      .poll(() => events.map(({ type }) => type).sort())
      .toEqual(['advance', 'end', 'log', 'start']);
  });

  it('ends when it is stopped, and its port is free again', async () => {
    stop.abort();
    await expect.poll(() => fetch(`${url}/cluster`).catch(() => 'refused')).toBe('refused');
  });
});
