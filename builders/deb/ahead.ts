/** Decompressing packages before they are wanted, while one core is busy with their scripts. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Toolbox } from '../toolbox.ts';
import type { Member } from './archive.ts';
import { readMembers } from './archive.ts';

/** Compressed bytes whose plain form may wait on disk at a time; a single package may be larger. */
const BOUND = 96 << 20;
const POLL_MS = 50;

/** A package's data as a plain tar: where it is, as `readEntries` wants it. */
export interface PlainData {
  readonly path: string;
  readonly member: Member;
}

interface Waiting {
  readonly size: number;
  readonly plain: Promise<PlainData | undefined>;
}

/** Decompressed data of packages by the path of the package file. */
export class Ahead {
  private readonly toolbox: Toolbox;
  private readonly folder: string;
  private readonly limit: ReturnType<typeof pLimit>;
  private readonly queue: string[];
  private readonly waiting = new Map<string, Waiting>();
  private inFlight = 0;
  private made = 0;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param folder of this run alone, for the plain data
   * @param paths package files, in about the order in which they will be wanted; they may come late
   */
  constructor(toolbox: Toolbox, folder: string, paths: readonly string[], jobs: number) {
    this.toolbox = toolbox;
    this.folder = folder;
    this.limit = pLimit(jobs);
    this.queue = [...paths].reverse();
    mkdirSync(folder, { recursive: true });
    this.pump();
  }

  private pump(): void {
    for (let path = this.queue.at(-1); path !== undefined; path = this.queue.at(-1)) {
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      if (size === undefined) return this.later();
      if (this.inFlight > 0 && this.inFlight + size > BOUND) return;
      this.queue.pop();
      const from = path;
      this.inFlight += size;
      this.waiting.set(from, { size, plain: this.limit(() => this.decompress(from)) });
    }
  }

  /** The next package is still on its way. */
  private later(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.pump();
    }, POLL_MS).unref();
  }

  /**
   * The data of the package at `path`; `undefined` when nobody has begun with it, or when it
   * cannot be decompressed, which reading the package itself will explain.
   */
  take(path: string): Promise<PlainData | undefined> | undefined {
    const at = this.queue.indexOf(path);
    if (at >= 0) this.queue.splice(at, 1);
    return this.waiting.get(path)?.plain;
  }

  /** The data is not wanted any more. */
  async release(path: string): Promise<void> {
    const waiting = this.waiting.get(path);
    if (!waiting) return;
    this.waiting.delete(path);
    const plain = await waiting.plain;
    if (plain) rmSync(plain.path, { force: true });
    this.inFlight -= waiting.size;
    this.pump();
  }

  private async decompress(path: string): Promise<PlainData | undefined> {
    let input: number | undefined;
    let output: number | undefined;
    const file = join(this.folder, `${this.made++}.tar`);
    try {
      const { data } = readMembers(path);
      if (!data.name.endsWith('.xz')) return undefined;
      input = openSync(path, 'r');
      // A program goes on reading where its parent stopped.
      readSync(input, Buffer.alloc(data.offset), 0, data.offset, null);
      output = openSync(file, 'wx', 0o600);
      const {
        file: xz,
        args,
        env,
      } = this.toolbox.command('xz', ['-T1', '-dcq', '--single-stream']);
      const stdio = [input, output, 'ignore'] as const;
      const child = spawn(xz, [...args], { env: { ...env }, stdio: [...stdio] });
      const code = await new Promise<number | null>((resolve) => {
        child.on('error', () => resolve(null));
        child.on('close', resolve);
      });
      const { size } = statSync(file);
      if (code === 0) return { path: file, member: { name: 'data.tar', offset: 0, size } };
    } catch {
      // Whoever reads the package itself meets the same trouble, and tells it.
    } finally {
      if (input !== undefined) closeSync(input);
      if (output !== undefined) closeSync(output);
    }
    rmSync(file, { force: true });
    return undefined;
  }
}
