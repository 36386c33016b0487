/** Programs of the host that judge what vsec made. */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { installed } from '../../builders/support/programs.ts';

/** Installs missing judges where that is possible; else says what will be skipped. */
export function ensureJudges(): void {
  const script = fileURLToPath(new URL('../../../scripts/ensure-judges.sh', import.meta.url));
  execFileSync(script, { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Skips the test when the host lacks `program`, with the Debian package that would bring it. */
export function needs(context: TestContext, program: string, pkg: string): void {
  if (!installed(program)) context.skip(`${program} is not installed: apt-get install ${pkg}`);
}

export const isRoot = process.getuid?.() === 0;

/** Skips the test for users who are not root. */
export function needsRoot(context: TestContext, why: string): void {
  if (!isRoot) context.skip(`needs root: ${why}`);
}

export interface Verdict {
  readonly code: number | null;
  /** Both streams. */
  readonly output: string;
}

/** What a judge says; never throws for its exit code. */
export function judge(program: string, args: readonly string[], cwd?: string): Verdict {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    ...(cwd && { cwd }),
  });
  if (error) throw error;
  return { code: status, output: `${stdout}${stderr}`.trim() };
}
