/** Logging in to a registry: the docker authentication protocol, with the logins that people have. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import type { HttpClient } from '../http.ts';

/** `user:password` for `host`, from the first file that has one. */
async function storedLogin(host: string, env: Context['env']): Promise<string | undefined> {
  const files = [
    env['REGISTRY_AUTH_FILE'],
    env['XDG_RUNTIME_DIR'] && join(env['XDG_RUNTIME_DIR'], 'containers', 'auth.json'),
    join(env['DOCKER_CONFIG'] || join(env['HOME'] ?? '.', '.docker'), 'config.json'),
  ];
  for (const file of files) {
    if (!file) continue;
    try {
      const { auths } = JSON.parse(await readFile(file, 'utf8')) as {
        auths?: Readonly<Record<string, { auth?: string }>>;
      };
      const found = auths?.[host]?.auth ?? auths?.[`https://${host}`]?.auth;
      if (found) return Buffer.from(found, 'base64').toString('utf8');
    } catch {
      // Not there, or not for us.
    }
  }
  return undefined;
}

const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;

/**
 * The `authorization` header to use at a registry; undefined where none is asked for.
 * @param address `https://host`
 * @param scope such as `repository:site/base:pull,push`
 * @throws REPO204 refused; TransferError
 */
export async function authorize(
  client: HttpClient,
  address: string,
  scope: string,
  ctx: Pick<Context, 'env' | 'signal'>,
): Promise<string | undefined> {
  const { signal, env } = ctx;
  const host = new URL(address).host;
  const { status, headers } = await client.send(`${address}/v2/`, { method: 'GET', signal });
  if (status !== 401) return undefined;
  const login = await storedLogin(host, env);
  const challenge = headers['www-authenticate'] ?? '';
  const asked = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]),
  );
  if (/^basic/i.test(challenge)) {
    if (login === undefined) throw loginRefused(host, 'it wants a user name and a password');
    return basic(login);
  }
  const realm = asked['realm'];
  if (!/^bearer/i.test(challenge) || !realm || !URL.canParse(realm))
    throw loginRefused(host, `it asks for a login of an unknown kind: ${challenge || 'none'}`);
  const url = new URL(realm);
  if (asked['service']) url.searchParams.set('service', asked['service']);
  url.searchParams.set('scope', scope);
  const answer = await client.send(url.href, {
    method: 'GET',
    signal,
    headers: login === undefined ? {} : { authorization: basic(login) },
  });
  if (answer.status !== 200) throw loginRefused(host, `${url.host} answers ${answer.status}`);
  const token = tokenIn(answer.body);
  if (token === undefined) throw loginRefused(host, `${url.host} answers without a token`);
  return `Bearer ${token}`;
}

function tokenIn(body: Buffer): string | undefined {
  try {
    const { token, access_token: other } = JSON.parse(body.toString('utf8')) as {
      token?: unknown;
      access_token?: unknown;
    };
    const found = token ?? other;
    return typeof found === 'string' && /^[\x21-\x7e]+$/.test(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

export const loginRefused = (host: string, why: string) =>
  failure('REPO204', `the registry ${host} does not let you in`, {
    notes: [{ message: why }],
    hint: `log in first, for example with 'podman login ${host}': vsec reads its auth.json, docker's config.json and REGISTRY_AUTH_FILE`,
  });
