/** A package, rightly signed, whose scripts look for the host: what do they find? */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deb } from '../builders/support/deb.ts';
import { writeArchive } from '../repos/support/archive.ts';
import { newKey, pin } from '../repos/support/keys.ts';
import { vsec } from '../support/vsec.ts';
import type { Built } from './support/environment.ts';
import { processesAfter } from './support/runs.ts';

const SECRET = 'of the host alone';
const NAME = hostname();
const scratch = mkdtempSync(join(tmpdir(), 'vsec-spy-'));
const server = createServer((socket) => socket.end(SECRET));
let found: ReadonlyMap<string, string>;

/**
 * Each line tries one thing and writes what came of it. Perl is there: perl-base is essential.
 * What leads to a second root is tried in a process of its own.
 */
const script = (port: number): string => `#!/bin/sh
exec >/opt/found 2>/dev/null
say() { printf '%s: ' "$1"; shift; "$@" | tr '\\n\\0' '  '; echo; }
say environment env
say processes sh -c 'cat /proc/[0-9]*/cmdline'
say signal perl -e 'print kill(0, ${process.pid}) ? "reached" : "no"'
say interfaces sh -c 'sed 1,2d /proc/net/dev | cut -d: -f1'
say socket perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); print connect(S, sockaddr_in(${port}, inet_aton("127.0.0.1"))) ? <S> : "no"'
say file perl -e 'print open(F, "${scratch}/secret") ? <F> : "no"'
say initial perl -e 'print open(F, "/proc/1/root${scratch}/secret") ? <F> : "no"'
say chroot perl -e 'mkdir "/var/tmp/x"; chroot "/var/tmp/x"; chdir ".." for 1..20; chroot "."; print open(F, "${scratch}/secret") || open(F, ".${scratch}/secret") ? <F> : "no"'
say device perl -e '$p = "/var/tmp/disk"; print syscall(133, $p, 060600, 0x800) == 0 ? "made" : "no"'
say mount perl -e '($n, $p, $t) = ("none", "/mnt", "tmpfs"); print syscall(165, $n, $p, $t, 0, 0) == 0 ? "mounted" : "no"'
say namespace perl -e 'print syscall(272, 0x10000000) == 0 ? "left" : "no"'
say hostname perl -e '$n = "pwned"; syscall(170, $n, 5); open(F, "/proc/sys/kernel/hostname"); print <F>'
rm -rf /var/tmp/x
setsid sleep 4713 >/dev/null 2>&1 &
exit 0
`;

beforeAll(async () => {
  chmodSync(scratch, 0o755);
  writeFileSync(join(scratch, 'secret'), SECRET);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  const key = await newKey();
  await pin(join(scratch, 'key.asc'), key);
  const postinst = { name: './postinst', content: script(port), mode: 0o755, uid: 0, gid: 0 };
  const spy = await deb({ name: 'spy', control: [postinst] });
  await writeArchive(join(scratch, 'archive'), key, { packages: { spy } });
  const path = join(scratch, 'spied.yaml');
  writeFileSync(
    path,
    `vse: 1
name: spied
version: 1.0.0
extends: debian-12-repositories
add:
  repositories:
    local: { type: deb, uri: 'file://${scratch}/archive', suites: [stable], components: [main], signed-by: [./key.asc] }
  packages: [spy]
`,
  );
  const args = ['build', path, '--json', '--format', 'tar', '-O', join(scratch, 'out')];
  const { code, stdout, stderr } = await vsec(args, { env: { SECRET } });
  expect(code, stderr).toBe(0);
  const { bundle } = JSON.parse(stdout) as Built;
  const tar = join(bundle, 'spied_1.0.0_amd64.tar');
  const text = execFileSync('tar', ['-xOf', tar, './opt/found'], { encoding: 'utf8' });
  const lines = text.trimEnd().split('\n');
  found = new Map(lines.map((line) => [line.split(': ')[0]!, line.slice(line.indexOf(': ') + 2)]));
});
afterAll(() => {
  server.close();
  rmSync(scratch, { recursive: true, force: true });
});

test('the server that was to be reached is there', async () => {
  const { connect } = await import('node:net');
  const { port } = server.address() as AddressInfo;
  const said = await new Promise<string>((done) => {
    connect(port, '127.0.0.1').on('data', (data) => done(data.toString()));
  });
  expect(said).toBe(SECRET);
  expect(readFileSync(join(scratch, 'secret'), 'utf8')).toBe(SECRET);
});

test('the environment is the build’s own', () => {
  expect(found.get('environment')).toContain('DEBIAN_FRONTEND=noninteractive');
  expect(found.get('environment')).not.toMatch(/SECRET|VSEC_|of the host/);
});

test('processes are those of the build, and no signal reaches another', () => {
  expect(found.get('processes')).toContain('dpkg');
  expect(found.get('processes')).not.toMatch(/node|vitest|vsec/);
});

test.each(['socket', 'file', 'initial', 'chroot', 'device', 'mount', 'namespace'])(
  '%s: no way out',
  (way) => expect(found.get(way)?.trim()).toBe('no'),
);

test('there is no network but a loopback of its own', () =>
  expect(found.get('interfaces')?.trim()).toBe('lo'));

test('the host keeps its name', () => expect(hostname()).toBe(NAME));

test('nothing that a script starts outlives the build', async () => {
  expect(await processesAfter(10, 'sleep 4713')).toEqual([]);
});
