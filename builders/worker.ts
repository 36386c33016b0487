/**
 * The program that runs inside the sandbox as (mapped) root. Reads one job from standard input
 * and writes events to standard output; ends when its parent does.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ioFailure } from '../repos/io-errors.ts';
import { VsecError, error } from '../vse/diagnostic.ts';
import type { Report, ReportEvent } from '../vse/report.ts';
import { assemble } from './assemble.ts';
import type { Job, WorkerEvent } from './job.ts';
import { killInside } from './sandbox/kill-inside.ts';

const send = (event: WorkerEvent): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`);
};

/** How often the advance of a task crosses the border. */
const INTERVAL_MS = 100;

/** Advances come with every chunk of every file; of each interval the last one is sent. */
function throttled(): Report {
  const last = new Map<string, number>();
  const waiting = new Map<string, NodeJS.Timeout>();
  const sendNow = (event: ReportEvent & { readonly task: string }): void => {
    clearTimeout(waiting.get(event.task));
    waiting.delete(event.task);
    last.set(event.task, performance.now());
    send({ type: 'report', event });
  };
  return (event) => {
    if (!('task' in event)) return send({ type: 'report', event });
    const wait = INTERVAL_MS - (performance.now() - (last.get(event.task) ?? -Infinity));
    if (event.type !== 'advance' || wait <= 0) return sendNow(event);
    clearTimeout(waiting.get(event.task));
    waiting.set(event.task, setTimeout(sendNow, wait, event).unref());
  };
}

const bug = ({ message }: Error) =>
  error('BUILD199', `This is a bug in vsec: ${message}`, {
    hint: "Please report it with the output of 'vsec version' and of the same command with -v.",
  });

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
  } catch (thrown) {
    const path = job.kind === 'remove' ? job.path : job.root;
    const e = ioFailure(
      thrown,
      job.kind === 'remove' ? 'remove a tree' : 'assemble the tree',
      path,
    );
    const known = e instanceof VsecError;
    send({
      type: 'failed',
      diagnostics: known ? e.diagnostics : [bug(e as Error)],
      ...((thrown as Error).stack !== undefined && { stack: (thrown as Error).stack as string }),
    });
    process.exitCode = 1;
  }
  // The parent's end of standard input stays open while it waits; nothing else is to come.
  process.stdin.destroy();
}

const lines = createInterface({ input: process.stdin });
let started = false;
/** Root of the tree when nothing but a chroot surrounds its programs. */
let bareRoot: string | undefined;
lines.on('line', (line) => {
  if (started) return;
  started = true;
  const job = JSON.parse(line) as Job;
  if (job.kind === 'assemble' && job.isolation === 'chroot') bareRoot = job.root;
  void perform(job);
});
lines.on('close', () => {
  // Standard input closed before the job was done.
  if (process.exitCode === undefined) endWithParent();
});
process.stdout.on('error', endWithParent);

/** The parent is gone: nobody wants the result, and nothing may go on without an owner. */
function endWithParent(): never {
  if (bareRoot !== undefined) {
    // No process namespace ends with us; the group is our own (see worker-process.ts).
    killInside(bareRoot);
    process.kill(0, 'SIGKILL');
  }
  process.exit(130);
}
