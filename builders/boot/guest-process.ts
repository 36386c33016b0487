/** A hypervisor's process from its start to its end, whatever ends it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

export interface ProcessCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How the process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Time for an orderly end after SIGTERM, in milliseconds. */
const GRACE = 5000;
const STDERR = 4096;

export class GuestProcess {
  /** Settles when the process is gone; rejects when it could not be started. */
  readonly ended: Promise<ProcessEnd>;
  private readonly child: ChildProcess;
  private complaints = '';
  private readonly lastResort = (): void => this.kill('SIGKILL');

  /** `onOutput` gets the console; what the program says on standard error is kept apart. */
  constructor(command: ProcessCommand, onOutput: (chunk: Buffer) => void) {
    // A group of its own: whatever the program starts ends with it.
    this.child = spawn(command.file, [...command.args], {
      env: { ...command.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.child.stdout?.on('data', onOutput);
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.complaints = (this.complaints + chunk.toString('utf8')).slice(-STDERR);
    });
    process.on('exit', this.lastResort);
    this.ended = new Promise<ProcessEnd>((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => resolve({ code, signal }));
    }).finally(() => process.off('exit', this.lastResort));
    // Whoever waits sees the rejection; nobody need.
    this.ended.catch(() => undefined);
  }

  /** End of what the program itself said. */
  get stderr(): string {
    return this.complaints;
  }

  /** How it ended, if it has within `milliseconds`. */
  async endedWithin(milliseconds: number): Promise<ProcessEnd | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), milliseconds);
    });
    try {
      return await Promise.race([this.ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the process and waits until it is reaped. Safe to call at any time, and twice. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.kill('SIGKILL'), GRACE);
    this.kill('SIGTERM');
    await this.ended.catch(() => undefined);
    clearTimeout(timer);
  }

  private kill(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Gone between the question and the deed.
    }
  }
}
