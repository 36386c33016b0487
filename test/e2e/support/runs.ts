/** Builds that are stopped at a chosen moment, and what they leave behind. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Diagnostic } from '../../../vse/diagnostic.ts';
import type { ReportEvent } from '../../../vse/report.ts';

/** What `--progress json` writes: events, and diagnostics in their documented form. */
export type Line = ReportEvent | (DiagnosticLine & { readonly type: 'diagnostic' });
export interface DiagnosticLine extends Pick<Diagnostic, 'code' | 'message' | 'hint'> {
  readonly severity: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly notes: readonly { readonly message: string }[];
}

export interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly diagnostics: readonly DiagnosticLine[];
  /** Messages for people. */
  readonly said: readonly string[];
  /** Everything on standard error that was no JSON. */
  readonly chatter: string;
  /** Was the moment there? */
  readonly stopped: boolean;
}

export interface Stop {
  /** Is this line the moment? */
  readonly when?: (line: Line) => boolean;
  /** Or is there a process whose command line holds this text? */
  readonly running?: string;
  /** Or have so many milliseconds passed? */
  readonly after?: number;
  readonly signal: NodeJS.Signals;
}

export interface RunSettings {
  readonly program: string;
  readonly cache: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of setpriv(1), to run as somebody else. */
  readonly privileges?: readonly string[];
  readonly stop?: Stop;
}

/** Runs `vsec` with `args`; sends it a signal at the first line that is the moment. */
export function run(args: readonly string[], settings: RunSettings): Promise<Run> {
  const { program, cache, stop, privileges = [] } = settings;
  const command = [process.execPath, program, ...args, '--progress', 'json'];
  const [file, ...rest] = privileges.length > 0 ? ['setpriv', ...privileges, ...command] : command;
  return new Promise((resolve, reject) => {
    const child = spawn(file as string, rest, {
      env: { PATH: process.env['PATH'], HOME: cache, VSEC_CACHE_DIR: cache, ...settings.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const diagnostics: DiagnosticLine[] = [];
    const said: string[] = [];
    let [stdout, chatter, stopped] = ['', '', false];
    const halt = (signal: NodeJS.Signals): void => {
      stopped = true;
      clearInterval(watch);
      clearTimeout(alarm);
      child.kill(signal);
    };
    const watch = setInterval(() => {
      if (stop?.running && processesOf(stop.running).length > 0) halt(stop.signal);
    }, 200);
    const alarm = setTimeout(
      () => stop?.after !== undefined && halt(stop.signal),
      stop?.after ?? 0,
    );
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    const lines = createInterface({ input: child.stderr });
    lines.on('line', (text) => {
      let line: Line;
      try {
        line = JSON.parse(text) as Line;
      } catch {
        chatter += `${text}\n`;
        return;
      }
      if (line.type === 'diagnostic' && 'code' in line) diagnostics.push(line);
      if (line.type === 'log') said.push(line.message);
      if (!stopped && stop?.when?.(line)) halt(stop.signal);
    });
    child.on('error', reject);
    const read = new Promise((done) => lines.on('close', done));
    child.on('close', (code, signal) => {
      clearInterval(watch);
      clearTimeout(alarm);
      void read.then(() => resolve({ code, signal, stdout, diagnostics, said, chatter, stopped }));
    });
  });
}

/** A process that has anything to do with a folder. */
interface Found {
  readonly command: string;
  /** Its lines of /proc/PID/status that tell what it waits for, and where in the kernel it does. */
  readonly state: string;
  /** It was sent SIGKILL, and a disk does not let it go: proc_pid_status(5), state D. */
  readonly held: boolean;
}

const PENDING_KILL = 1n << 8n;

function stateOf(pid: string): Pick<Found, 'state' | 'held'> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): string =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  const pending = BigInt(`0x${field('SigPnd') || '0'}`) | BigInt(`0x${field('ShdPnd') || '0'}`);
  let stack = '';
  try {
    stack = readFileSync(`/proc/${pid}/stack`, 'utf8').split('\n').slice(0, 4).join(' ');
  } catch {
    // For root alone.
  }
  return {
    state: `${field('State')}, parent ${field('PPid')}, pending ${pending.toString(16)} ${stack}`,
    held: field('State').startsWith('D') && (pending & PENDING_KILL) !== 0n,
  };
}

/** Processes whose command line, root or working folder holds the text `folder`. */
function processesOf(folder: string): Found[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const places = ['root', 'cwd'].map((link) => readlinkSync(`/proc/${pid}/${link}`));
      if (![command, ...places].some((text) => text.includes(folder))) return [];
      return [{ command, ...stateOf(pid) }];
    } catch {
      return [];
    }
  });
}

const described = (found: readonly Found[]): string[] =>
  found.map(({ command, state }) => `${command} (${state})`);

const names = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** What a stopped build must not leave: processes, mounts, and anything half done on disk. */
function leftovers(scratch: string, cache: string, output: string): string[] {
  return [
    ...described(processesOf(scratch)),
    ...readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(scratch)),
    ...names(join(cache, 'work')).map((name) => `work/${name}`),
    ...['store/.partial', 'toolbox/.partial'].flatMap((folder) =>
      names(join(cache, folder)).map((name) => `${folder}/${name}`),
    ),
    ...names(join(cache, 'stages')).filter(
      (name) => !/^[0-9a-f]{64}\.[0-9a-f]{64}\.tar$/.test(name),
    ),
    ...names(join(cache, 'rootfs')).filter((name) => !/^[0-9a-f]{64}$/.test(name)),
    ...names(join(cache, 'toolbox')).filter((name) => /..partial/.test(name)),
    ...names(output).filter((name) => name.startsWith('.') || name.includes('.old-')),
  ];
}

/** The leftovers, after what is ending has had `seconds` to end. */
export async function leftAfter(
  seconds: number,
  scratch: string,
  cache: string,
  output: string,
): Promise<readonly string[]> {
  for (let i = 0; i < seconds * 5 && leftovers(scratch, cache, output).length > 0; i++)
    await sleep(200);
  return leftovers(scratch, cache, output);
}

/** How long a disk may hold what was killed. */
const HELD_MS = 180_000;

/**
 * Processes alone: all that a program that was killed outright can still clean up. They have
 * `seconds` to end; that a slow disk holds those that were sent SIGKILL, and no others are left,
 * does not count.
 */
export async function processesAfter(seconds: number, scratch: string): Promise<readonly string[]> {
  const latest = performance.now() + HELD_MS;
  let found = processesOf(scratch);
  for (let left = seconds * 5; left > 0 && found.length > 0; found = processesOf(scratch)) {
    if (performance.now() > latest) break;
    if (!found.every(({ held }) => held)) left--;
    await sleep(200);
  }
  return described(found);
}

/** Those that were sent SIGKILL and that a disk holds, and those that are not, by command line. */
export function heldAndFree(scratch: string): Readonly<Record<'held' | 'free', readonly string[]>> {
  const found = processesOf(scratch);
  return {
    held: described(found.filter(({ held }) => held)),
    free: described(found.filter(({ held }) => !held)),
  };
}
