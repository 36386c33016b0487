/**
 * Gives out the tokens that a registry asks for, as the distribution project specifies: a JSON Web
 * Token, signed with the key of a certificate that the registry knows.
 */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SERVICE = 'vsec test registry';
const ISSUER = 'vsec-test';

export interface TokenServer {
  /** The registry's `auth` section. */
  readonly auth: string;
  /** Scopes that were asked for, each with the account or `-`. */
  readonly asked: string[];
  /** Answers so instead, while it is set. */
  answer: string | undefined;
  stop(): Promise<void>;
}

/** @param accounts login (`user:password`, or `-` for nobody) → what it may: `pull,push` */
export async function startTokenServer(
  accounts: Readonly<Record<string, string>>,
): Promise<TokenServer> {
  const folder = mkdtempSync(join(tmpdir(), 'vsec-tokens-'));
  const [key, certificate] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-subj', '/CN=vsec-test', '-days', '2', '-keyout', key!, '-out', certificate!],
      ...['-addext', 'keyUsage=digitalSignature,keyCertSign'],
    ],
    { stdio: 'ignore' },
  );
  const privateKey = createPrivateKey(readFileSync(key!));
  const chain = [readFileSync(certificate!, 'utf8').replace(/-----[^-]+-----|\n/g, '')];

  const token = (scope: string, may: string): string => {
    const [type, name, wanted = ''] = scope.split(':');
    const actions = wanted.split(',').filter((action) => may.split(',').includes(action));
    const now = Math.floor(Date.now() / 1000);
    const part = (value: object): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = {
      ...{ iss: ISSUER, sub: 'somebody', aud: SERVICE, jti: randomUUID() },
      ...{ nbf: now - 10, iat: now, exp: now + 60, access: [{ type, name, actions }] },
    };
    const text = `${part({ typ: 'JWT', alg: 'ES256', x5c: chain })}.${part(claims)}`;
    const signature = sign('sha256', Buffer.from(text), {
      key: privateKey,
      dsaEncoding: 'ieee-p1363',
    });
    return `${text}.${signature.toString('base64url')}`;
  };

  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const scope = searchParams.get('scope') ?? '';
    const basic = /^Basic (.*)$/.exec(request.headers.authorization ?? '')?.[1];
    const login = basic === undefined ? '-' : Buffer.from(basic, 'base64').toString();
    const may = accounts[login];
    state.asked.push(`${login.split(':')[0]} ${searchParams.get('service')} ${scope}`);
    if (may === undefined) response.writeHead(401).end('wrong password');
    else response.end(state.answer ?? JSON.stringify({ token: token(scope, may) }));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  const realm = `http://127.0.0.1:${port}/token`;
  const state: TokenServer = {
    auth: `{token: {realm: "${realm}", service: "${SERVICE}", issuer: ${ISSUER}, rootcertbundle: ${certificate}}}`,
    asked: [],
    answer: undefined,
    stop: async () => {
      await new Promise((done) => server.close(done).closeAllConnections());
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return state;
}
