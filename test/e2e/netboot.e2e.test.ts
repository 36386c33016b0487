/** Nodes that come by the network: a disk that the shim fills, and a node that has none. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backendByName } from '../../builders/backends/index.ts';
import type { Attempt, BootTest } from '../../builders/boot/attempt.ts';
import { freePort } from '../../builders/boot/login.ts';
import { openImage } from '../../builders/boot/image-under-test.ts';
import { attemptByNetwork } from '../../builders/boot/network-attempt.ts';
import type { BootResult } from '../../builders/boot/result.ts';
import type { NetbootParts } from '../../builders/backend.ts';
import { goldenImage, readManifest } from '../../builders/manifest.ts';
import { vsec } from '../support/vsec.ts';
import { ctx, toolbox } from './support/booting.ts';
import { buildLayer, lockLayer } from './support/environment.ts';
import { needs } from './support/programs.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Consoles stay there for a look after a failure. */
const LOGS = join(ROOT, 'build', 'e2e');
const MIB = 2 ** 20;

const NODE = `vse: 1
name: node
version: 1.0.0
extends: debian-12
add:
  backends: [netboot, diskless]
override:
  image: { formats: [tar.zst] }
  machine: { nics: [{ mac: "52:54:00:12:34:56" }] }
remove:
  backends: [qemu, kvm]
`;

const STEPS = ['drivers', 'dhcp', 'cluster', 'node', 'disk', 'transfer', 'configure', 'finish'];

let folder = '';
let bundle = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vsec-netboot-'));
  mkdirSync(LOGS, { recursive: true });
  const { path } = await lockLayer(folder, 'node', NODE);
  ({ bundle } = await buildLayer(path, folder, []));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function boot(backend: string, args: readonly string[]): Promise<BootResult> {
  const log = join(LOGS, `console-${backend}.log`);
  const { code, stdout, stderr } = await vsec([
    ...['boot', bundle, '--backend', backend, '--timeout', '10m'],
    ...['--console-log', log, '--json', '--progress', 'plain', ...args],
  ]);
  expect(code, `${stderr}\nconsole: ${log}`).toBe(0);
  return JSON.parse(stdout) as BootResult;
}

/** Boots by the network with something changed in what the shim is told, or in the machine. */
async function attemptWith(
  parts: Partial<NetbootParts>,
  disk: number,
  more: Partial<BootTest> = {},
): Promise<Attempt> {
  const manifest = await readManifest(bundle);
  const image = goldenImage(manifest);
  const backend = backendByName('netboot');
  const boot: BootTest = {
    ...{ backend, bundle, ctx, firmware: 'kernel', timeout: 10 * 60_000 },
    image: {
      ...image,
      netboot: { ...image.netboot!, ...parts },
      machine: { ...image.machine, disk },
    },
    under: await openImage(bundle, manifest, image, backend, ctx),
    toolbox: await toolbox(),
    ...more,
  };
  return attemptByNetwork(boot, 'tcg', false);
}

interface ImageServer {
  /** As guests of QEMU's user networking reach it. */
  readonly url: string;
  stop(): void;
}

/** The distribution's own rsync, with the bundle as its only module. */
async function rsyncServer(): Promise<ImageServer> {
  const port = await freePort();
  const config = join(folder, 'rsyncd.conf');
  const lines = ['use chroot = no', 'uid = root', 'gid = root', '[images]', `path = ${bundle}`];
  writeFileSync(config, [...lines, 'read only = yes', ''].join('\n'));
  const args = ['--daemon', '--no-detach', `--config=${config}`, '--address=127.0.0.1'];
  const daemon = spawn('rsync', [...args, `--port=${port}`], { stdio: 'ignore' });
  await once(daemon, 'spawn');
  return { url: `rsync://10.0.2.2:${port}/images`, stop: () => daemon.kill() };
}

interface TroubledServer extends ImageServer {
  /** First bytes that were asked for, in the order of the requests. */
  readonly asked: readonly number[];
}

/**
 * A server of the bundle that breaks the first connection off in the middle, says no more on the
 * second without closing it, and serves the third as it should.
 */
async function troubledServer(): Promise<TroubledServer> {
  const asked: number[] = [];
  const server = createServer((request, response) => {
    const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const start = Number(first);
    const path = join(bundle, request.url?.replace('/images/', '') ?? '');
    const end = statSync(path).size - 1;
    const trouble = asked.push(start);
    response.writeHead(206, {
      'Content-Length': end + 1 - start,
      'Content-Range': `bytes ${start}-${end}/${end + 1}`,
    });
    if (trouble > 2) return void createReadStream(path, { start }).pipe(response);
    const part = createReadStream(path, { start, end: start + 20 * MIB - 1 });
    part.pipe(response, { end: false });
    part.on('end', () => {
      if (trouble === 1) response.write('', () => response.destroy());
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://10.0.2.2:${port}/images`, asked, stop };
}

describe('the netboot shim', () => {
  test('is small', () => {
    const size = (suffix: string): number =>
      statSync(join(bundle, `node_1.0.0_amd64${suffix}`)).size;
    expect(size('.vmlinuz') + size('.netboot.initrd')).toBeLessThan(24 * MIB);
    const config = readFileSync(join(bundle, 'boot/netboot/netboot.cfg'), 'utf8');
    expect(config).toContain('memory = 128\n');
    expect(config).toMatch(/vsec\.sha256=[0-9a-f]{64} /);
  });

  test('fills a disk, and the node boots from it under its own name', async () => {
    const result = await boot('netboot', ['--exec', 'hostname; cat /etc/fstab; getcap /bin/ping']);
    expect(result).toMatchObject({ up: true, failedUnits: [], image: 'node_1.0.0_amd64.tar.zst' });
    expect(result.imageSha256After).toBe(result.imageSha256Before);
    expect(result.guest?.rootfsUuid).toBe((await readManifest(bundle)).rootfs.uuid);
    expect(result.steps?.map(({ name }) => name)).toEqual(STEPS);
    expect(result.exec?.stdout).toMatch(/^node-123456\nLABEL=vse-/);
    // Of the shim, which starts first: all the memory that it had.
    const console = readFileSync(join(LOGS, 'console-netboot.log'), 'utf8');
    const [, memory] = /Memory: \d+K\/(\d+)K available/.exec(console) ?? [];
    expect(Number(memory)).toBeLessThanOrEqual(128 * 1024);
  });

  test('fills a disk by rsync, from a server of that', async (context) => {
    needs(context, 'rsync', 'rsync');
    const server = await rsyncServer();
    try {
      const consoleLog = join(LOGS, 'console-netboot-rsync.log');
      const more = { images: server.url, consoleLog };
      const { watched, steps } = await attemptWith({}, 4096 * MIB, more);
      expect(watched.ending, `console: ${consoleLog}`).toMatchObject({ kind: 'up' });
      expect(steps?.map(({ name }) => name)).toEqual(STEPS);
      expect(steps?.find(({ name }) => name === 'cluster')?.detail).toContain(server.url);
    } finally {
      server.stop();
    }
  });

  test('takes a lost connection up where it ended, also one that is lost without a word', async () => {
    const server = await troubledServer();
    try {
      const consoleLog = join(LOGS, 'console-netboot-troubled.log');
      const { watched, steps } = await attemptWith({}, 4096 * MIB, {
        images: server.url,
        consoleLog,
      });
      expect(watched.ending, `console: ${consoleLog}`).toMatchObject({ kind: 'up' });
      expect(steps?.map(({ name }) => name)).toEqual(STEPS);
      const [first, second, third] = server.asked;
      expect(server.asked).toHaveLength(3);
      expect(first).toBe(0);
      expect(second).toBeGreaterThan(0);
      expect(second).toBeLessThanOrEqual(20 * MIB);
      expect(third).toBe(Number(second) + 20 * MIB);
    } finally {
      server.stop();
    }
  });

  test('makes no node of an image that is not the one that was pinned', async () => {
    const { streams } = goldenImage(await readManifest(bundle)).netboot!;
    const stream = { ...streams['tar.zst']!, sha256: 'f'.repeat(64) };
    const { watched } = await attemptWith({ streams: { 'tar.zst': stream } }, 4096 * MIB);
    expect(watched.ending).toMatchObject({
      kind: 'trouble',
      trouble: { code: 'BOOT060', message: expect.stringContaining('(wrong-digest)') as string },
    });
  });

  test('says when the image does not fit', async () => {
    const { watched } = await attemptWith({}, 160 * MIB);
    expect(watched.ending).toMatchObject({
      trouble: { code: 'BOOT060', message: expect.stringContaining('(full-disk)') as string },
    });
  });
});

/** The shim's kernel and initrd by each way that firmware, or QEMU in its place, can fetch them. */
test.each(['ipxe', 'grub'])('a node without a disk is up, started by %s', async (firmware) => {
  const command = 'lsblk -dno TYPE; findmnt -no FSTYPE /; grep -o vsec.key= /proc/cmdline';
  const result = await boot('diskless', ['--firmware', firmware, '--exec', command]);
  expect(result).toMatchObject({ up: true, failedUnits: [], image: 'node_1.0.0_amd64.squashfs' });
  expect(result.imageSha256After).toBe(result.imageSha256Before);
  // Pinned by the script, which the head node wrote for this machine.
  expect(result.exec?.stdout).toBe('loop\noverlay\nvsec.key=\n');
});
