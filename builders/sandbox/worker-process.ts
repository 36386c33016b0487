/** Starting the worker in a sandbox mode, hearing its events, and ending it for sure. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { VsecError, failure } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import type { AssembleResult, Job, WorkerEvent } from '../job.ts';
import { programFile } from '../program-file.ts';
import { lastLines } from './programs.ts';
import type { SandboxMode } from './modes.ts';
import { modeArguments } from './modes.ts';

/**
 * Runs `job` in a sandbox of the given mode. Rejects with the worker's diagnostics, or with the
 * signal's reason after every process of the sandbox is gone.
 */
export function runInSandbox(
  job: Job,
  mode: SandboxMode,
  ctx: Pick<Context, 'report' | 'signal' | 'env'>,
): Promise<AssembleResult | null> {
  return new Promise((resolve, reject) => {
    const program = [process.execPath, '--enable-source-maps', programFile('worker.js')];
    const [file, args] =
      mode === 'chroot'
        ? [program[0] as string, program.slice(1)]
        : ['unshare', [...modeArguments(mode), '--', ...program]];
    const child = spawn(file, [...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { PATH: ctx.env['PATH'], HOME: '/root', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    });
    let last: Extract<WorkerEvent, { type: 'done' | 'failed' }> | undefined;
    let complaint = '';
    const end = (): void => {
      try {
        process.kill(-(child.pid as number), 'SIGKILL');
      } catch {
        // Already gone.
      }
    };
    ctx.signal.addEventListener('abort', end, { once: true });
    child.stderr.on(
      'data',
      (part: Buffer) => (complaint = (complaint + part.toString()).slice(-8192)),
    );
    createInterface({ input: child.stdout }).on('line', (line) => {
      let event: WorkerEvent;
      try {
        event = JSON.parse(line) as WorkerEvent;
      } catch {
        return;
      }
      if (event.type === 'report') ctx.report(event.event);
      else last = event;
    });
    child.on('error', (e) =>
      reject(
        failure('BUILD182', `cannot start the sandbox: ${e.message}`, { hint: 'vsec doctor' }),
      ),
    );
    child.on('close', (code) => {
      ctx.signal.removeEventListener('abort', end);
      if (ctx.signal.aborted) reject(ctx.signal.reason as Error);
      else if (last?.type === 'done') resolve(last.result);
      else if (last?.type === 'failed') {
        if (last.stack) ctx.report({ type: 'log', level: 'debug', message: last.stack });
        reject(new VsecError(last.diagnostics));
      } else
        reject(
          failure('BUILD183', `the sandbox ended unexpectedly (exit code ${code})`, {
            notes: lastLines(complaint, 20).map((message) => ({ message })),
            hint: 'out of memory, or killed by somebody? vsec doctor checks the sandbox',
          }),
        );
    });
    child.stdin.on('error', () => undefined);
    child.stdin.write(`${JSON.stringify(job)}\n`);
  });
}
