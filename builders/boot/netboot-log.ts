/**
 * What the netboot shim says on the console, as templates/netboot/common.sh prints it:
 *
 *     vsec: netboot step NAME at=SECONDS took=SECONDS: TEXT
 *     vsec: netboot failed NAME reason=WORD at=SECONDS: TEXT
 *     vsec: netboot done at=SECONDS
 */
import { Console } from './console.ts';
import type { Trouble } from './trouble.ts';

/** Times in seconds; `at` since the shim's kernel started. */
export interface NetbootStep {
  readonly name: string;
  readonly at: number;
  readonly took: number;
  readonly detail: string;
}

const STEP = /vsec: netboot step (\S+) at=([\d.]+) took=([\d.]+): (.*)$/;
const FAILED = /vsec: netboot failed (\S+) reason=(\S+) at=[\d.]+: (.*)$/;
const DONE = /vsec: netboot done at=[\d.]+$/;

export class NetbootLog {
  readonly steps: NetbootStep[] = [];
  /** Why the shim gave up; see docs/netboot.md for the words. */
  failure: Trouble | undefined;
  done = false;
  private readonly console = new Console();

  /** Takes the console as it comes. */
  feed(chunk: Buffer): void {
    for (const line of this.console.feed(chunk)) this.take(line);
  }

  private take(line: string): void {
    const [, name, at, took, detail] = STEP.exec(line) ?? [];
    if (name !== undefined && detail !== undefined)
      this.steps.push({ name, at: Number(at), took: Number(took), detail });
    const [, step, reason, text] = FAILED.exec(line) ?? [];
    if (step !== undefined)
      this.failure ??= {
        code: 'BOOT060',
        message: `the netboot shim failed in step ${step} (${reason}): ${text}`,
        hint: 'docs/netboot.md says what each reason means; vsec.wait lets the shim stay up',
      };
    if (DONE.test(line)) this.done = true;
  }
}
