/**
 * The program that runs inside the sandbox as (mapped) root. Reads one job from standard input
 * and writes events to standard output; ends when its parent does.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { VsecError, error } from '../vse/diagnostic.ts';
import type { Report } from '../vse/report.ts';
import { assemble } from './assemble.ts';
import type { Job, WorkerEvent } from './job.ts';

const send = (event: WorkerEvent): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`);
};

/** Advances come with every chunk of every file; the border carries ten a second of each task. */
function throttled(): Report {
  const last = new Map<string, number>();
  return (event) => {
    if (event.type === 'advance') {
      const now = performance.now();
      if (now - (last.get(event.task) ?? -Infinity) < 100) return;
      last.set(event.task, now);
    }
    send({ type: 'report', event });
  };
}

async function perform(job: Job): Promise<void> {
  try {
    if (job.kind === 'remove') {
      rmSync(job.path, { recursive: true, force: true });
      send({ type: 'done', result: null });
    } else {
      const result = await assemble(job, throttled());
      send({ type: 'done', result });
    }
    process.exitCode = 0;
  } catch (e) {
    const known = e instanceof VsecError;
    send({
      type: 'failed',
      diagnostics: known ? e.diagnostics : [error('BUILD199', (e as Error).message)],
      ...(!known && { stack: (e as Error).stack ?? '' }),
    });
    process.exitCode = 1;
  }
  // The parent's end of standard input stays open while it waits; nothing else is to come.
  process.stdin.destroy();
}

const lines = createInterface({ input: process.stdin });
let started = false;
lines.on('line', (line) => {
  if (started) return;
  started = true;
  void perform(JSON.parse(line) as Job);
});
lines.on('close', () => {
  // Standard input closed before the job was done: the parent is gone.
  if (process.exitCode === undefined) process.exit(130);
});
