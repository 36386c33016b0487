/**
 * Running a command in a guest, through a key that exists for one boot. The key comes to the guest
 * as systemd credentials in its SMBIOS strings (systemd.system-credentials(7)), so that the image
 * needs no account for it and no byte of it changes.
 */
import { execFile } from 'node:child_process';
import type { ExecFileOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { failure } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import type { GuestLogin } from '../backend.ts';
import { shell } from '../backends/quote.ts';
import { lastLines, mustRun } from '../sandbox/programs.ts';
import type { Toolbox } from '../toolbox.ts';

/** How long a guest that is up may take to answer on its network, in milliseconds. */
const PATIENCE = 60_000;
/** The same for a guest within a guest. */
const FAR_PATIENCE = 180_000;
const PAUSE = 1000;
/** For one attempt to get in, and for a question: a guest that hangs keeps a connection open. */
const ANSWER = 60_000;
/** ssh's own failures, as apart from the command's. */
export const SSH_FAILED = 255;
/** Bytes of a command's output that are kept. */
const MOST_OUTPUT = 64 * 2 ** 20;

export interface ExecResult {
  readonly command: string;
  /** The command's; 255 as well when it could not be run. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The result of a command that did not get as far as the guest. */
export const notRun = (command: string): ExecResult => ({
  command,
  exitCode: SSH_FAILED,
  stdout: '',
  stderr: '',
});

export interface Key {
  /** Absolute path of the private key. */
  readonly path: string;
  /** One line, as in `authorized_keys`. */
  readonly public: string;
}

/** How to get into one guest: by a port of 127.0.0.1, or through a host that itself is reached so. */
export type Way = DirectWay | Through;

export interface DirectWay {
  readonly key: Key;
  /** On 127.0.0.1. */
  readonly port: number;
  readonly toolbox: Toolbox;
}

interface Through {
  readonly key: Key;
  readonly host: DirectWay;
  /** Of the guest, as its host knows it. */
  readonly address: string;
  readonly toolbox: Toolbox;
}

export async function makeKey(toolbox: Toolbox, scratch: string, ctx: Context): Promise<Key> {
  const path = join(scratch, 'key');
  const { file, args, env } = toolbox.command('ssh-keygen', [
    ...['-q', '-t', 'ed25519', '-N', '', '-C', 'vsec-boot', '-f', path],
  ]);
  await mustRun('making a key for the guest', file, args, { env, signal: ctx.signal });
  return { path, public: readFileSync(`${path}.pub`, 'utf8').trim() };
}

/**
 * What lets `key` in as root. The first credential makes `authorized_keys` where there is none
 * (tmpfiles.d's provision.conf), the second adds to one that the image has.
 */
const credentials = (key: Key): readonly (readonly [name: string, text: string])[] => [
  ['ssh.authorized_keys.root', key.public],
  ['tmpfiles.extra', `w+ /root/.ssh/authorized_keys - - - - \\n${key.public}\\n`],
];

export const guestLogin = (key: Key, port: number): GuestLogin => ({
  port,
  credentials: Object.fromEntries(
    credentials(key).map(([name, text]) => [name, Buffer.from(`${text}\n`).toString('base64')]),
  ),
});

/** The same as arguments of the guest's kernel, where there is nothing else to hand them over in. */
export const loginArguments = (key: Key): readonly string[] =>
  credentials(key).map(([name, text]) => `systemd.set_credential=${name}:${text}`);

/**
 * The address that an interface with this MAC address gives itself (RFC 4291, appendix A), by which
 * the host finds a guest whose lease it does not know.
 */
export function linkLocalAddress(mac: string): string {
  const [a = 0, b, c, d, e, f] = mac.split(':').map((byte) => Number.parseInt(byte, 16));
  const groups = [
    [a ^ 2, b],
    [c, 0xff],
    [0xfe, d],
    [e, f],
  ].map(([high = 0, low = 0]) => (high * 256 + low).toString(16));
  return `fe80::${groups.join(':')}`;
}

/** A TCP port of 127.0.0.1 that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/**
 * Runs a shell command as root in a guest that is up. BOOT040 when the guest lets nobody in,
 * BOOT041 when the connection breaks, BOOT042 when the command takes longer than `timeout`
 * milliseconds; a failing command is no error: its exit code is in the result.
 */
export async function execInGuest(
  command: string,
  timeout: number,
  way: Way,
  signal: AbortSignal,
): Promise<ExecResult> {
  await awaitServer(way, signal);
  const late = AbortSignal.timeout(timeout);
  const result = await ssh(command, way, AbortSignal.any([signal, late]));
  signal.throwIfAborted();
  if (late.aborted)
    throw failure('BOOT042', `the command in the guest took longer than ${timeout / 1000} s`, {
      notes: lastLines(result.stdout + result.stderr, 5).map((message) => ({ message })),
      hint: 'give it more time with --timeout',
    });
  if (result.exitCode === SSH_FAILED && /^(ssh: |Connection |client_loop)/m.test(result.stderr))
    throw failure('BOOT041', 'the connection to the guest broke while the command ran', {
      notes: lastLines(result.stderr, 3).map((message) => ({ message })),
    });
  return { command, ...result };
}

type SshResult = Omit<ExecResult, 'command'>;

/**
 * Waits until the guest's ssh server lets us in; BOOT040 when it does not within `patience`
 * milliseconds.
 */
export async function awaitServer(
  way: Way,
  signal: AbortSignal,
  patience = 'host' in way ? FAR_PATIENCE : PATIENCE,
): Promise<void> {
  const deadline = performance.now() + patience;
  for (;;) {
    const probe = await ssh('true', way, AbortSignal.any([signal, AbortSignal.timeout(ANSWER)]));
    signal.throwIfAborted();
    if (probe.exitCode === 0) return;
    if (performance.now() > deadline)
      throw failure('BOOT040', 'the guest is up, but lets nobody in by ssh', {
        notes: lastLines(probe.stderr, 3).map((message) => ({ message })),
        hint: "this needs an ssh server that takes root's keys, a network by DHCP, and systemd 252",
      });
    await sleep(PAUSE, undefined, { signal });
  }
}

/** The lines that a shell command prints there; none where nobody answers. */
export async function askShell(
  command: string,
  way: Way,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const late = AbortSignal.timeout(ANSWER);
  const { stdout } = await ssh(command, way, AbortSignal.any([signal, late]));
  signal.throwIfAborted();
  return stdout.split('\n').filter((line) => line.trim() !== '');
}

const SSH_SETTINGS = {
  BatchMode: 'yes',
  // An emulated processor on a busy host takes its time to start a server for a connection.
  ConnectTimeout: '30',
  IdentitiesOnly: 'yes',
  LogLevel: 'ERROR',
  PreferredAuthentications: 'publickey',
  ServerAliveInterval: '15',
  // The guest made its host keys a moment ago, and the way to it does not leave this machine.
  StrictHostKeyChecking: 'no',
  UserKnownHostsFile: '/dev/null',
};

const settingArgs = Object.entries(SSH_SETTINGS).flatMap(([name, value]) => [
  '-o',
  `${name}=${value}`,
]);

const toPort = ({ key, port }: DirectWay): readonly string[] => [
  ...['-F', 'none', '-i', key.path, '-p', String(port)],
  ...settingArgs,
];

/** The host's ssh as the connection to the guest; a shell runs it, and `%` has to be doubled. */
function throughHost({ key, host, address }: Through): readonly string[] {
  const args = [...toPort(host), '-W', `[${address}]:22`, 'root@127.0.0.1'];
  const proxy = host.toolbox.command('ssh', args);
  const words = [proxy.file, ...proxy.args].map((word) => shell.quote(word)).join(' ');
  return [
    ...['-F', 'none', '-i', key.path, '-o', `ProxyCommand=${words.replaceAll('%', '%%')}`],
    ...settingArgs,
  ];
}

/** The program that runs a shell command as root in the guest, with its output as it comes. */
export const sshCommand = (command: string, way: Way): ReturnType<Toolbox['command']> =>
  way.toolbox.command('ssh', [
    ...('host' in way ? throughHost(way) : toPort(way)),
    ...['root@127.0.0.1', '--', command],
  ]);

function ssh(command: string, way: Way, signal: AbortSignal) {
  const { file, args, env } = sshCommand(command, way);
  return new Promise<SshResult>((resolve) => {
    const settings = { env: { ...env }, signal, maxBuffer: MOST_OUTPUT, killSignal: 'SIGKILL' };
    const child = execFile(file, [...args], settings as ExecFileOptions, (_, stdout, stderr) =>
      resolve({
        exitCode: child.exitCode ?? SSH_FAILED,
        stdout: String(stdout),
        stderr: String(stderr),
      }),
    );
    child.stdin?.end();
  });
}
