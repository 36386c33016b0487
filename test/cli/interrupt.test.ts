/** Ctrl-C at a moment when the program waits: here, for a mirror that never answers. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BIN, vsec } from '../support/vsec.ts';

let dir = '';
let server: Server;
let asked: Promise<void>;
let env: Record<string, string>;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'vsec-interrupt-'));
  writeFileSync(join(dir, 'a.yaml'), 'vse: 1\nname: a\nversion: 1.0.0\nextends: debian-12\n');
  asked = new Promise((resolve) => {
    server = createServer(() => resolve());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian`;
  env = {
    VSEC_MIRROR_DEBIAN: mirror,
    VSEC_MIRROR_DEBIAN_SECURITY: mirror,
    VSEC_CACHE_DIR: join(dir, 'cache'),
  };
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s ends it with 130 and one line, and leaves no lock behind',
  async (signal) => {
    const outcome = await vsec(['lock', 'a.yaml', '--progress', 'none'], {
      cwd: dir,
      env,
      started: (child) => void asked.then(() => child.kill(signal)),
    });
    expect(outcome).toEqual({ code: 130, stdout: '', stderr: 'vsec: interrupted\n' });
    expect(readdirSync(dir).filter((name) => name !== 'cache')).toEqual(['a.yaml']);
  },
);

it('says so in JSON where everything is JSON', async () => {
  const { stderr } = await vsec(['lock', 'a.yaml', '--progress', 'json'], {
    ...{ cwd: dir, env },
    started: (child) => void asked.then(() => child.kill('SIGINT')),
  });
  const lines = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(lines.at(-1)).toEqual({ type: 'log', level: 'info', message: 'vsec: interrupted' });
});

it.skipIf(spawnSync('script', ['--version']).error)(
  'gives the cursor back to the terminal',
  async () => {
    // script(1) lends the program a terminal; -INT reaches it as Ctrl-C would.
    const inner = `'${process.execPath}' '${BIN}' lock a.yaml`;
    const child = spawn('script', ['-qefc', inner, '/dev/null'], {
      ...{ cwd: dir, stdio: ['pipe', 'pipe', 'inherit'] },
      env: { ...process.env, ...env, CI: undefined, TERM: 'xterm' },
    });
    let screen = '';
    let sent = false;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      screen += text;
      if (sent || !screen.includes('Reading')) return;
      sent = true;
      child.stdin?.write('\u0003');
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(130);
    expect(screen).toContain('\u001b[?25l');
    expect(screen.lastIndexOf('\u001b[?25h')).toBeGreaterThan(screen.lastIndexOf('\u001b[?25l'));
    expect(screen).toMatch(/vsec: interrupted\r\n$/);
  },
);
