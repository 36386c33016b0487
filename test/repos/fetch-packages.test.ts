import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { fetchPackages } from '../../repos/fetch-packages.ts';
import type { LockedPackage } from '../../repos/lock.ts';
import { archiveUrls } from '../../repos/mirrors.ts';
import { Store } from '../../repos/store.ts';
import type { Context } from '../../vse/report.ts';
import { lockedPackage, poolPath, sha256 } from './support/archive.ts';
import { diagnosticOf, filesBelow, scratch, testContext, textOf } from './support/context.ts';
import { cut, MirrorServer, type Misbehaviour } from './support/server.ts';

const servers: MirrorServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

const REPOSITORIES = [{ name: 'test', type: 'deb', mirror: 'test' }];

interface Setup {
  readonly packages: readonly LockedPackage[];
  readonly contents: ReadonlyMap<string, Buffer>;
  readonly mirrors: readonly MirrorServer[];
  readonly ctx: Awaited<ReturnType<typeof testContext>>;
}

/** Packages `p0`, `p1`… of the given sizes on one mirror for each behaviour. */
async function setup(
  sizes: readonly number[],
  behaviours: readonly (Misbehaviour | undefined)[] = [undefined],
  changes: Partial<Context> = {},
): Promise<Setup> {
  const root = await scratch();
  const contents = new Map(sizes.map((size, i) => [`p${i}`, randomBytes(size)]));
  await mkdir(dirname(join(root, poolPath('p'))), { recursive: true });
  for (const [name, content] of contents) await writeFile(join(root, poolPath(name)), content);
  const mirrors: MirrorServer[] = [];
  for (const behaviour of behaviours) mirrors.push(await MirrorServer.start(root, behaviour));
  servers.push(...mirrors);
  const env = { VSEC_MIRROR_TEST: mirrors.map(({ url }) => url).join(' '), ...changes.env };
  const ctx = await testContext({ ...changes, env });
  const packages = [...contents].map(([name, content]) => lockedPackage(name, content));
  return { packages, contents, mirrors, ctx };
}

const noPartialFiles = async (ctx: Context): Promise<void> => {
  const files = await filesBelow(ctx.cacheDir);
  expect(files.filter((file) => file.includes('.partial'))).toEqual([]);
};

const expectWhole = async (paths: ReadonlyMap<string, string>): Promise<void> => {
  expect(paths.size).toBeGreaterThan(0);
  for (const [digest, path] of paths) expect(sha256(await readFile(path))).toBe(digest);
};

const rangeStart = (range: string | undefined) => Number(/=(\d+)-/.exec(range ?? '')?.[1] ?? 0);

test('packages are in the store, whole, and are not fetched twice', async () => {
  const { packages, mirrors, ctx } = await setup([10, 100_000, 1_000_000]);
  const paths = await fetchPackages(packages, REPOSITORIES, ctx);
  expect([...paths.keys()].sort()).toEqual(packages.map((pkg) => pkg.sha256).sort());
  await expectWhole(paths);
  expect(mirrors[0]?.requests).toHaveLength(3);
  expect(await fetchPackages(packages, REPOSITORIES, ctx)).toEqual(paths);
  expect(mirrors[0]?.requests).toHaveLength(3);
  await noPartialFiles(ctx);
  await expect.poll(() => mirrors[0]?.sockets.size, { timeout: 500 }).toBe(0);
});

test('progress counts bytes and ends at the total', async () => {
  const { packages, ctx } = await setup([1000, 300_000]);
  await fetchPackages(packages, REPOSITORIES, ctx);
  const advances = ctx.events.filter((event) => event.type === 'advance');
  expect(ctx.events[0]).toMatchObject({ type: 'start', task: 'fetch', total: 301_000 });
  expect(advances.at(-1)).toMatchObject({ done: 301_000, total: 301_000 });
  expect(ctx.events.at(-1)).toMatchObject({ type: 'end', detail: '2 packages, 0.3 MB' });
});

test('each package is handed on as soon as it is there, while others still come', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const { packages, ctx } = await setup(
    [5000, 10],
    [
      async (request) => {
        if (request.url?.includes('p0')) await held;
        return false;
      },
    ],
  );
  const order: string[] = [];
  await fetchPackages(packages, REPOSITORIES, ctx, {
    onPackage: async ({ name }) => {
      order.push(name);
      if (name === 'p1') release();
      await sleep(50);
      order.push(`${name} done`);
    },
  });
  expect(order[0]).toBe('p1');
  expect(order.at(-1)).toBe('p0 done');
});

test('when the follow-up of one package fails, so does the fetch, and the rest stops', async () => {
  const { packages, ctx } = await setup(
    [10, 5000],
    [
      async (request) => {
        if (request.url?.includes('p1')) await sleep(30_000, undefined, { ref: false });
        return false;
      },
    ],
  );
  const work = fetchPackages(packages, REPOSITORIES, ctx, {
    onPackage: () => Promise.reject(new Error('cannot unpack')),
  });
  await expect(work).rejects.toThrow('cannot unpack');
  await noPartialFiles(ctx);
});

test('a lost connection is taken up where it was', async () => {
  const { packages, mirrors, ctx } = await setup(
    [200_000],
    [
      (request, response, content) => {
        const start = rangeStart(request.headers.range);
        return content !== undefined && start < 150_000 && cut(response, content, start, 50_000);
      },
    ],
  );
  await fetchPackages(packages, REPOSITORIES, ctx);
  const starts = mirrors[0]?.requests.map(({ range }) => rangeStart(range)) ?? [];
  expect(starts).toEqual([0, 50_000, 100_000, 150_000]);
});

test('a server without ranges is asked for the whole again', async () => {
  let first = true;
  const { packages, ctx } = await setup(
    [100_000],
    [
      (_request, response, content = Buffer.alloc(0)) => {
        if (first) {
          first = false;
          return cut(response, content, 0, 40_000);
        }
        response.writeHead(200, { 'content-length': content.length }).end(content);
        return true;
      },
    ],
  );
  const paths = await fetchPackages(packages, REPOSITORIES, ctx);
  await expectWhole(paths);
});

test('a range that was not asked for is not glued on', async () => {
  const { packages, ctx } = await setup(
    [100_000],
    [
      (request, response, content = Buffer.alloc(0)) => {
        if (!request.headers.range) return cut(response, content, 0, 40_000);
        response.writeHead(206, { 'content-range': 'bytes 10-60009/100000' });
        response.end(content.subarray(10, 60_010));
        return true;
      },
    ],
  );
  // Not "tampered with": nothing wrong was received, only nothing that helps.
  expect((await diagnosticOf(fetchPackages(packages, REPOSITORIES, ctx))).code).toBe('REPO110');
});

test('answers that are not read to their end do not use up the connections', async () => {
  const { packages, ctx } = await setup(
    Array.from({ length: 30 }, () => 1000),
    [
      (_request, response) => {
        response.writeHead(200, { 'content-length': 5_000_000 });
        response.write(Buffer.alloc(100_000));
        return true;
      },
      undefined,
    ],
  );
  expect((await fetchPackages(packages, REPOSITORIES, ctx)).size).toBe(30);
});

test('a busy server is asked again', async () => {
  let asked = 0;
  const { packages, ctx } = await setup(
    [10],
    [
      (_request, response) => {
        if (asked++ > 0) return false;
        response.writeHead(503).end();
        return true;
      },
    ],
  );
  await fetchPackages(packages, REPOSITORIES, ctx);
  expect(asked).toBe(2);
});

const tamper: Misbehaviour = (_request, response, content = Buffer.alloc(0)) => {
  const changed = Buffer.from(content);
  changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
  response.writeHead(200, { 'content-length': changed.length }).end(changed);
  return true;
};

test('a tampered package is refused, and nothing of it stays', async () => {
  const { packages, mirrors, ctx } = await setup([50_000], [tamper]);
  const found = await diagnosticOf(fetchPackages(packages, REPOSITORIES, ctx));
  expect(found).toMatchObject({ code: 'REPO150', exitCode: 1 });
  expect(found.message).toBe('package p0 1.0 of repository test is tampered with or corrupt');
  const text = textOf(found);
  expect(text).toContain(`${mirrors[0]?.url}/${poolPath('p0')}: has SHA-256 `);
  expect(text).toContain(`expected 50000 bytes with SHA-256 ${packages[0]?.sha256}`);
  expect(await filesBelow(ctx.cacheDir)).toEqual([]);
});

test('with a second mirror, tampering on the first is overcome', async () => {
  const { packages, mirrors, ctx } = await setup([50_000], [tamper, undefined]);
  const paths = await fetchPackages(packages, REPOSITORIES, ctx);
  await expectWhole(paths);
  expect(mirrors.map(({ requests }) => requests.length)).toEqual([1, 1]);
});

test('a wrong length is noticed from the header, before the body', async () => {
  const { packages, ctx } = await setup(
    [50_000],
    [
      (_request, response) => {
        response.writeHead(200, { 'content-length': 1e12 });
        response.write('x');
        return true;
      },
    ],
  );
  const found = await diagnosticOf(fetchPackages(packages, REPOSITORIES, ctx));
  expect(found.code).toBe('REPO150');
  expect(textOf(found)).toContain('is 1000000000000 bytes long');
});

test('a body that never ends is cut at the expected length', async () => {
  let sent = 0;
  const { packages, ctx } = await setup(
    [50_000],
    [
      (_request, response) => {
        response.writeHead(200);
        const more = () => {
          if (response.destroyed) return;
          sent += 16_384;
          response.write(Buffer.alloc(16_384), more);
        };
        more();
        return true;
      },
    ],
  );
  const found = await diagnosticOf(fetchPackages(packages, REPOSITORIES, ctx));
  expect(found.code).toBe('REPO150');
  expect(textOf(found)).toContain('is longer than 50000 bytes');
  expect(sent).toBeLessThan(20_000_000);
});

test('a body that always ends early is an error after a few tries', async () => {
  const { packages, mirrors, ctx } = await setup(
    [50_000],
    [
      (_request, response, content = Buffer.alloc(0)) => {
        response.writeHead(200).end(content.subarray(0, 20_000));
        return true;
      },
    ],
  );
  const found = await diagnosticOf(fetchPackages(packages, REPOSITORIES, ctx));
  expect(found).toMatchObject({ code: 'REPO151', exitCode: 1 });
  expect(mirrors[0]?.requests.length).toBeLessThan(6);
  await noPartialFiles(ctx);
});

test('a package that is on no mirror', async () => {
  const { ctx } = await setup([10], [undefined, undefined]);
  const missing = lockedPackage('gone', Buffer.from('x'));
  const found = await diagnosticOf(fetchPackages([missing], REPOSITORIES, ctx));
  expect(found).toMatchObject({ code: 'REPO152', exitCode: 1 });
  expect(found.notes).toHaveLength(3);
  expect(textOf(found)).toContain('vsec lock ENV --upgrade gone');
  expect(textOf(found)).toContain('VSEC_MIRROR_TEST_SNAPSHOT');
});

test('a package that the mirrors have dropped comes from an archive, as it was when locked', async () => {
  const { ctx } = await setup([10], [undefined]);
  const pkg = lockedPackage('old', Buffer.from('x'));
  const root = await scratch();
  const archive = await MirrorServer.start(root);
  servers.push(archive);
  const dates = ['2026-01-02T03:04:05.000Z'];
  const repositories = REPOSITORIES.map((repository) => ({ ...repository, dates }));
  const at = (time: string) => `/archive/${time}/${pkg.filename}`;
  await mkdir(dirname(join(root, at('20260102T030405Z'))), { recursive: true });
  await writeFile(join(root, at('20260102T030405Z')), 'x');
  const env = { ...ctx.env, VSEC_MIRROR_TEST_SNAPSHOT: `${archive.url}/archive/{timestamp}` };
  await expectWhole(await fetchPackages([pkg], repositories, { ...ctx, env }));
  // First the copy that was taken after the suite was dated.
  expect(archive.paths()).toEqual([at('20260102T090405Z'), at('20260102T030405Z')]);
  expect(ctx.events).toContainEqual(expect.objectContaining({ type: 'log', level: 'info' }));
  const other = lockedPackage('older', Buffer.from('y'));
  const found = await diagnosticOf(fetchPackages([other], repositories, { ...ctx, env }));
  expect(found.code).toBe('REPO152');
  expect(textOf(found)).toContain('on the mirrors neither');
});

test('an archive that has everything in one place, and one from the configuration', async () => {
  const ctx = await testContext();
  const config = join(await scratch(), 'vsec');
  await mkdir(config);
  await writeFile(
    join(config, 'config.yaml'),
    `mirrors: {test-snapshot: http://one.example/all/}\nsnapshots: {test: 'http://two.example/{timestamp}'}\n`,
  );
  const env = { ...ctx.env, XDG_CONFIG_HOME: dirname(config) };
  const dates = ['2026-01-02T03:04:05Z'];
  expect(await archiveUrls({ mirror: 'test' }, dates, { env })).toEqual([
    'http://one.example/all',
    'http://two.example/20260102T090405Z',
    'http://two.example/20260102T030405Z',
  ]);
  expect(await archiveUrls({}, dates, { env })).toEqual([]);
});

test('a mirror that refuses connections is named, with the reason', async () => {
  const { packages, mirrors, ctx } = await setup([10]);
  await mirrors[0]?.stop();
  servers.length = 0;
  const found = await diagnosticOf(fetchPackages(packages, REPOSITORIES, ctx));
  expect(found).toMatchObject({ code: 'REPO110', exitCode: 1 });
  expect(textOf(found)).toContain('connection refused');
});

test('a host name that does not exist', async () => {
  const { packages, ctx } = await setup([10], [undefined], {
    env: { VSEC_MIRROR_TEST: 'http://no-such-host.invalid/debian' },
  });
  const found = await diagnosticOf(fetchPackages(packages, REPOSITORIES, ctx));
  expect(found.code).toBe('REPO110');
  expect(textOf(found)).toMatch(/DNS/);
});

test('a server that stalls is given up', async () => {
  const { packages, ctx } = await setup(
    [50_000],
    [
      (_request, response, content = Buffer.alloc(0)) => {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 100));
        return true;
      },
    ],
    { env: { VSEC_NETWORK_TIMEOUT: '0.3' } },
  );
  const found = await diagnosticOf(fetchPackages(packages, REPOSITORIES, ctx));
  expect(found.code).toBe('REPO110');
  expect(textOf(found)).toContain('stalled');
});

test('the passwords of an address are sent and not shown', async () => {
  let sent: string | undefined;
  const { packages, mirrors, ctx } = await setup(
    [10],
    [
      (request, response) => {
        sent = request.headers.authorization;
        response.writeHead(403).end();
        return true;
      },
    ],
  );
  const env = { VSEC_MIRROR_TEST: mirrors[0]?.url.replace('//', '//user:secret@') };
  const found = await diagnosticOf(fetchPackages(packages, REPOSITORIES, { ...ctx, env }));
  expect(sent).toBe(`Basic ${Buffer.from('user:secret').toString('base64')}`);
  expect(textOf(found)).toContain('HTTP status 403');
  expect(textOf(found)).not.toContain('secret');
});

test('redirects are followed, but not in a circle and not to files', async () => {
  const to =
    (location: (path: string) => string): Misbehaviour =>
    (request, response) => {
      response.writeHead(302, { location: location(request.url ?? '') }).end('moved');
      return true;
    };
  const good = await setup([10]);
  const there = good.mirrors[0]?.url;
  const run = async (location: (path: string) => string) => {
    const server = await MirrorServer.start('/nonexistent', to(location));
    servers.push(server);
    const ctx = await testContext({ env: { VSEC_MIRROR_TEST: server.url } });
    return fetchPackages(good.packages, REPOSITORIES, ctx);
  };
  expect((await run((path) => there + path)).size).toBe(1);
  expect(textOf(await diagnosticOf(run((path) => path)))).toContain('more than 5 redirects');
  const toFile = await diagnosticOf(run(() => 'file:///etc/passwd'));
  expect(textOf(toFile)).toContain('a redirect to file:///etc/passwd');
});

test('plain http goes through a proxy without a tunnel', async () => {
  const { packages, mirrors, ctx } = await setup([10]);
  const env = {
    VSEC_MIRROR_TEST: 'http://mirror.example',
    http_proxy: mirrors[0]?.url,
  };
  await fetchPackages(packages, REPOSITORIES, { ...ctx, env });
  expect(mirrors[0]?.paths()).toEqual([`/${poolPath('p0')}`]);
});

test('a slow mirror is waited for while it sends something', async () => {
  const drop = async (response: ServerResponse, content: Buffer): Promise<void> => {
    response.writeHead(200, { 'content-length': content.length });
    for (let at = 0; at < content.length; at += 10) {
      response.write(content.subarray(at, at + 10));
      await sleep(100);
    }
    response.end();
  };
  const slow: Misbehaviour = async (_request, response, content) => {
    await drop(response, content!);
    return true;
  };
  const env = { VSEC_NETWORK_TIMEOUT: '1' };
  const { packages, ctx } = await setup([200], [slow], { env });
  const started = performance.now();
  await expectWhole(await fetchPackages(packages, REPOSITORIES, ctx));
  expect(performance.now() - started).toBeGreaterThan(1500);
});

test('file: mirrors', async () => {
  const { packages, contents, ctx } = await setup([1000]);
  const root = await scratch();
  const [content = Buffer.alloc(0)] = contents.values();
  await mkdir(join(root, 'pool/main'), { recursive: true });
  await writeFile(join(root, poolPath('p0')), content);
  const env = { VSEC_MIRROR_TEST: `file://${root}` };
  const paths = await fetchPackages(packages, REPOSITORIES, { ...ctx, env });
  await expectWhole(paths);
});

test('offline: what is there is enough, and what is missing is listed', async () => {
  const { packages, ctx } = await setup([10, 20]);
  await fetchPackages(packages.slice(0, 1), REPOSITORIES, ctx);
  const offline = { ...ctx, offline: true };
  expect((await fetchPackages(packages.slice(0, 1), REPOSITORIES, offline)).size).toBe(1);
  const found = await diagnosticOf(fetchPackages(packages, REPOSITORIES, offline));
  expect(found).toMatchObject({ code: 'REPO112', exitCode: 1 });
  expect(found.notes).toEqual([{ message: 'p1 1.0' }]);
});

test('Ctrl-C: no partial file stays, every connection is closed', async () => {
  const stop = new AbortController();
  const { packages, mirrors, ctx } = await setup(
    [500_000, 500_000, 500_000],
    [
      (_request, response, content = Buffer.alloc(0)) => {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 100_000));
        return true;
      },
    ],
    { signal: stop.signal },
  );
  const work = fetchPackages(packages, REPOSITORIES, ctx);
  await expect.poll(() => ctx.events.filter((e) => e.type === 'advance').length).toBeGreaterThan(2);
  stop.abort();
  await expect(work).rejects.toThrow(/abort/i);
  expect(await filesBelow(ctx.cacheDir)).toEqual([]);
  await expect.poll(() => mirrors[0]?.sockets.size).toBe(0);
});

test('a damaged object of another length is fetched anew', async () => {
  const { packages, ctx } = await setup([5000]);
  const [pkg] = packages;
  const store = new Store(ctx.cacheDir);
  const path = store.path(pkg?.sha256 ?? '');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, 'short');
  await expectWhole(await fetchPackages(packages, REPOSITORIES, ctx));
});

test('file names cannot leave the archive', async () => {
  const { packages, ctx } = await setup([10]);
  const [pkg] = packages;
  const hostile = pkg ? [{ ...pkg, filename: 'pool/../../../etc/passwd' }] : [];
  expect((await diagnosticOf(fetchPackages(hostile, REPOSITORIES, ctx))).code).toBe('REPO106');
});

test('names with + and % arrive as they are', async () => {
  const { packages, contents, mirrors, ctx } = await setup([10]);
  const [pkg] = packages;
  const filename = 'pool/main/g++_1%3a2+b~1 .deb';
  mirrors[0]!.misbehave = (request, response) => {
    expect(request.url).toBe('/pool/main/g%2B%2B_1%253a2%2Bb~1%20.deb');
    response.end(contents.get('p0'));
    return true;
  };
  const paths = await fetchPackages(pkg ? [{ ...pkg, filename }] : [], REPOSITORIES, ctx);
  expect(paths.size).toBe(1);
});

test('a lock that does not describe a repository is refused', async () => {
  const { packages, ctx } = await setup([10]);
  const refused = await diagnosticOf(fetchPackages(packages, [], ctx));
  expect(refused).toMatchObject({ code: 'REPO105', exitCode: 2 });
});
