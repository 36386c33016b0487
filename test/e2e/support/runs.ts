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

/** Command lines of processes that have anything to do with `folder`. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const places = ['root', 'cwd'].map((link) => readlinkSync(`/proc/${pid}/${link}`));
      return [command, ...places].some((text) => text.includes(folder)) ? [command] : [];
    } catch {
      return [];
    }
  });
}

const names = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** What a stopped build must not leave: processes, mounts, and anything half done on disk. */
function leftovers(scratch: string, cache: string, output: string): string[] {
  return [
    ...processesOf(scratch),
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

/** Processes alone: all that a program that was killed outright can still clean up. */
export async function processesAfter(seconds: number, scratch: string): Promise<readonly string[]> {
  for (let i = 0; i < seconds * 5 && processesOf(scratch).length > 0; i++) await sleep(200);
  return processesOf(scratch);
}
