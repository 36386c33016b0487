/** Mirrors by https: whose certificates are believed. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fetchPackages } from '../../repos/fetch-packages.ts';
import { lockedPackage } from './support/archive.ts';
import { diagnosticOf, scratch, testContext, textOf } from './support/context.ts';

let openssl = true;
try {
  execFileSync('openssl', ['version'], { stdio: 'ignore' });
} catch {
  openssl = false;
}

const CONTENT = Buffer.from('content');

async function secureMirror() {
  const folder = await scratch();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, ...subject, '-days', '2', '-keyout', key, '-out', cert],
    { stdio: 'ignore' },
  );
  const options = { key: readFileSync(key), cert: readFileSync(cert) };
  const server = createServer(options, (_request, response) => response.end(CONTENT));
  await new Promise<void>((ready) => server.listen(0, 'localhost', ready));
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const fetch = async (env: Record<string, string>) => {
    const ctx = await testContext({ env: { VSEC_MIRROR_TEST: url, ...env } });
    const repositories = [{ name: 'test', type: 'deb', mirror: 'test' }];
    return fetchPackages([lockedPackage('p', CONTENT)], repositories, ctx);
  };
  return { server, cert, fetch };
}

test.skipIf(!openssl)('a certificate of an unknown authority is refused, and named', async () => {
  const { server, fetch } = await secureMirror();
  try {
    const found = await diagnosticOf(fetch({}));
    expect(found).toMatchObject({ code: 'REPO110', exitCode: 1 });
    expect(textOf(found)).toContain('TLS: self-signed certificate');
    expect(textOf(found)).toContain('NODE_EXTRA_CA_CERTS');
  } finally {
    server.close();
  }
});

test.skipIf(!openssl)('NODE_EXTRA_CA_CERTS and SSL_CERT_FILE are honoured', async () => {
  const { server, cert, fetch } = await secureMirror();
  try {
    expect((await fetch({ NODE_EXTRA_CA_CERTS: cert })).size).toBe(1);
    expect((await fetch({ SSL_CERT_FILE: cert })).size).toBe(1);
  } finally {
    server.close();
  }
});

test.skipIf(!openssl)('https goes through the tunnel of a proxy, to the end', async () => {
  const { server, cert, fetch } = await secureMirror();
  const asked: string[] = [];
  const proxy = createPlainServer().on('connect', (request, socket: Socket) => {
    asked.push(request.url ?? '');
    const { hostname, port } = new URL(`http://${request.url}`);
    const onward = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const one of [socket, onward]) one.on('error', () => {});
  });
  await new Promise<void>((ready) => proxy.listen(0, '127.0.0.1', ready));
  const https_proxy = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  try {
    expect((await fetch({ https_proxy, NODE_EXTRA_CA_CERTS: cert })).size).toBe(1);
    const { port } = server.address() as AddressInfo;
    expect(asked).toEqual([`localhost:${port}`]);
    expect(textOf(await diagnosticOf(fetch({ https_proxy })))).toContain('TLS: self-signed');
  } finally {
    proxy.close();
    server.close();
  }
});
