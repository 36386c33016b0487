/**
 * QEMU's monitor (QEMU Machine Protocol, docs/interop/qmp-spec): a line of JSON for each command
 * and each answer, over a socket that QEMU listens on.
 */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { failure } from '../../vse/diagnostic.ts';

interface Answer {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (problem: Error) => void;
}

/** Milliseconds that a command may take. */
const PATIENCE = 60_000;

export class Monitor {
  private readonly socket: Socket;
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    let rest = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach((line) => this.take(line));
    });
    socket.on('error', (problem) => this.lose(problem));
    socket.on('close', () => this.lose(new Error('QEMU has ended')));
  }

  /** Connects to the QEMU that listens on the socket at `path`; BOOT051 when none does. */
  static async connect(path: string): Promise<Monitor> {
    const socket = createConnection(path);
    const monitor = new Monitor(socket);
    await monitor.execute('qmp_capabilities');
    return monitor;
  }

  /** Runs a command and returns its answer; BOOT051 with QEMU's words when it refuses. */
  async execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = ++this.last;
    const timer = setTimeout(
      () => this.waiting.get(id)?.reject(new Error(`no answer within ${PATIENCE / 1000} s`)),
      PATIENCE,
    );
    try {
      return await new Promise<unknown>((resolve, reject) => {
        this.waiting.set(id, { resolve, reject });
        if (this.socket.destroyed) reject(new Error('QEMU has ended'));
        this.socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
      });
    } catch (problem) {
      throw failure('BOOT051', `QEMU does not do ${command}: ${(problem as Error).message}`);
    } finally {
      clearTimeout(timer);
      this.waiting.delete(id);
    }
  }

  close(): void {
    this.socket.destroy();
  }

  private take(line: string): void {
    const { id, error, ...answer } = JSON.parse(line) as Answer;
    const waiting = id === undefined ? undefined : this.waiting.get(id);
    if (error) waiting?.reject(new Error(error.desc));
    else waiting?.resolve(answer.return);
  }

  private lose(problem: Error): void {
    for (const { reject } of this.waiting.values()) reject(problem);
  }
}
