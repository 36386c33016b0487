/**
 * Certificates that the system trusts are trusted, and no others. The store of this machine stays as
 * it is: another one lies over it in a mount namespace. Needs root, for that.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BIN } from '../support/vsec.ts';
import { scratch } from './support/context.ts';

const STORE = '/etc/ssl/certs/ca-certificates.crt';
const BASE = 'vse: 1\nname: base\nversion: 1.0.0\n';
const usable = process.getuid?.() === 0 && existsSync(STORE);

/** An authority of our own and a server's certificate that it signed. */
function certificates(folder: string) {
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): unknown =>
    execFileSync('openssl', args, { stdio: 'ignore' });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = ['-x509', '-subj', '/CN=Site authority', '-days', '2'];
  openssl('req', ...authority, ...curve, '-keyout', at('ca.key'), '-out', at('ca.pem'));
  openssl('req', ...curve, '-subj', '/CN=mirror', '-keyout', at('key'), '-out', at('csr'));
  writeFileSync(at('ext'), 'subjectAltName=DNS:localhost\n');
  const signing = [
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-days',
    '2',
    '-extfile',
    at('ext'),
  ];
  openssl('x509', '-req', '-in', at('csr'), ...signing, '-out', at('cert'));
  return { authority: at('ca.pem'), key: readFileSync(at('key')), cert: readFileSync(at('cert')) };
}

test.skipIf(!usable)('the system’s own authorities (needs root, for a mount)', async () => {
  const folder = await scratch();
  const { authority, ...options } = certificates(folder);
  const server = createServer(options, (_request, response) => response.end(BASE));
  await new Promise<void>((ready) => server.listen(0, 'localhost', ready));
  const { port } = server.address() as AddressInfo;
  const digest = createHash('sha256').update(BASE).digest('hex');
  const layer = join(folder, 'env.yaml');
  const address = `https://localhost:${port}/base.yaml#sha256=${digest}`;
  writeFileSync(layer, `vse: 1\nname: top\nversion: 1.0.0\nextends: ${address}\n`);
  const show = (before: string, cache: string) =>
    new Promise<{ code: number | null; said: string }>((done) => {
      const command = [process.execPath, BIN, 'show', layer, '--cache-dir', join(folder, cache)];
      const shell = ['sh', '-c', `${before}; exec "$@"`, 'sh', ...command];
      const child = spawn('unshare', ['--mount', '--', ...shell], { stdio: 'pipe' });
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (text: Buffer) => (said += text.toString()));
      child.on('close', (code) => done({ code, said }));
    });
  try {
    const refused = await show('true', 'one');
    expect(refused.said).toContain('TLS: ');
    expect(refused.said).toMatch(/REPO\d{3}/);
    const accepted = await show(`mount --bind ${authority} ${STORE}`, 'two');
    expect(accepted.said).not.toContain('TLS');
    expect(accepted.said).toContain('top');
  } finally {
    server.close();
  }
});
