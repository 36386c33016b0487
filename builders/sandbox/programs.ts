/** Running programs: the toolbox's on the host's files, and the tree's own inside the tree. */
import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { Readable } from 'node:stream';
import { failure } from '../../vse/diagnostic.ts';

/** How many bytes of a failed program's output are kept for the message. */
const TAIL = 8192;

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** For standard input, which is empty otherwise. */
  readonly input?: string | Readable;
  /** Kills the program; `run` rejects once it is gone. */
  readonly signal?: AbortSignal;
  /** Called with each chunk of output (both streams). */
  readonly output?: (text: string) => void;
}

export interface RunResult {
  readonly code: number;
  /** Standard output, whole. */
  readonly stdout: string;
  /** End of both streams together. */
  readonly tail: string;
}

/** Runs a program to its end; never throws for its exit code. */
export function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const settings: SpawnOptions = {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...options.env },
      ...(options.cwd && { cwd: options.cwd }),
      ...(options.signal && { signal: options.signal, killSignal: 'SIGKILL' }),
    };
    const child: ChildProcess = spawn(file, [...args], settings);
    const stdout: Buffer[] = [];
    let tail = '';
    const keep = (part: Buffer): void => {
      const text = part.toString('utf8');
      tail = (tail + text).slice(-TAIL);
      options.output?.(text);
    };
    child.stdout?.on('data', (part: Buffer) => {
      stdout.push(part);
      keep(part);
    });
    child.stderr?.on('data', keep);
    let problem: Error | undefined;
    child.stdin?.on('error', () => undefined);
    if (options.input instanceof Readable && child.stdin) {
      options.input.on('error', (e) => {
        problem ??= e;
        child.kill('SIGKILL');
      });
      options.input.pipe(child.stdin);
    } else child.stdin?.end(options.input ?? '');
    child.on('error', (e) => {
      problem ??= e;
      if (child.pid === undefined) reject(e);
    });
    // Not on close alone: what the program started may still hold its output open.
    child.on('exit', () => {
      if (problem) reject(problem);
    });
    child.on('close', (code, signal) => {
      if (options.input instanceof Readable) options.input.destroy();
      if (problem) reject(problem);
      else
        resolve({
          code: code ?? (signal ? 128 : 1),
          stdout: Buffer.concat(stdout).toString('utf8'),
          tail,
        });
    });
  });
}

/** Runs a program that must succeed; its failure carries the end of its output. */
export async function mustRun(
  what: string,
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const result = await run(file, args, options);
  if (result.code !== 0)
    throw failure('BUILD130', `${what} failed (exit code ${result.code})`, {
      notes: lastLines(result.tail, 20).map((message) => ({ message })),
    });
  return result;
}

export function lastLines(text: string, count: number): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-count);
}
