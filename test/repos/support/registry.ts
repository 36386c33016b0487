/** Debian's docker-registry, the reference implementation, for one test file; on 127.0.0.1 only. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TestRegistry {
  /** `127.0.0.1:port` */
  readonly host: string;
  /** Where it keeps its files. */
  readonly storage: string;
  stop(): Promise<void>;
}

const PROGRAM = 'docker-registry';

/** @param auth its configuration's section of that name, as YAML in one line */
export async function startRegistry(auth?: string): Promise<TestRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'vsec-registry-'));
  const storage = join(folder, 'storage');
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(folder, 'config.yml');
  writeFileSync(
    config,
    `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${storage}}, delete: {enabled: true}}
http: {addr: "${host}"}
${auth === undefined ? '' : `auth: ${auth}\n`}`,
  );
  const child = spawn(PROGRAM, ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  const stop = async (): Promise<void> => {
    await ended(child);
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) break;
    const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
    if (answer?.ok || answer?.status === 401) return { host, storage, stop };
    await sleep(100);
  }
  await stop();
  throw new Error(`${PROGRAM} does not start:\n${complaint}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((done) => child.once('close', done));
  child.kill();
  await gone;
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}
