/** A context for tests: a cache of its own, no configuration of the host, every event kept. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { VsecError, type Diagnostic } from '../../../vse/diagnostic.ts';
import type { Context, ReportEvent } from '../../../vse/report.ts';

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** An empty folder that is removed after the test. */
export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vsec-test-'));
  folders.push(folder);
  return folder;
}

export interface TestContext extends Context {
  readonly events: ReportEvent[];
}

export async function testContext(changes: Partial<Context> = {}): Promise<TestContext> {
  const root = await scratch();
  const cacheDir = join(root, 'cache');
  await mkdir(cacheDir);
  const events: ReportEvent[] = [];
  const nowhere = join(root, 'no-configuration');
  return {
    report: (event) => events.push(event),
    signal: new AbortController().signal,
    cacheDir,
    jobs: 2,
    offline: false,
    events,
    ...changes,
    env: { XDG_CONFIG_HOME: nowhere, XDG_CONFIG_DIRS: nowhere, ...changes.env },
  };
}

/** The first diagnostic with which `work` fails. */
export async function diagnosticOf(
  work: Promise<unknown>,
): Promise<Diagnostic & { readonly exitCode: number }> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof VsecError)) throw error;
    const [first] = error.diagnostics;
    if (first) return { ...first, exitCode: error.exitCode };
  }
  throw new Error('expected a failure');
}

/** Everything that a person would read of a diagnostic. */
export const textOf = (diagnostic: Diagnostic): string =>
  [diagnostic.message, ...diagnostic.notes.map((n) => n.message), diagnostic.hint].join('\n');

/** Files below a folder, relative, sorted. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
