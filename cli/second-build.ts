/**
 * `vsec build --check`: the same lock built a second time, by a process of its own and under
 * conditions that must not matter, and compared with the first.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { compareBundles, notTheSame, type BundleDifference } from '../builders/check/bundles.ts';
import { compareTrees, type TreeDifference } from '../builders/check/trees.ts';
import type { BuildResult } from '../builders/build.ts';
import { hold } from '../builders/lease.ts';
import { runName } from '../repos/leftovers.ts';
import { obtainRootfs } from '../builders/obtain-rootfs.ts';
import { prepareToolbox } from '../builders/toolbox/prepare.ts';
import { explainIo, makeFolder } from '../repos/io-errors.ts';
import { readLock } from '../repos/lock-file.ts';
import { error, VsecError, type Diagnostic } from '../vse/diagnostic.ts';
import { task, type Context, type ReportEvent } from '../vse/report.ts';
import type { Vse } from '../vse/types.ts';
import type { JsonDiagnostic } from './diagnostics.ts';

/** What was fetched and verified may be shared; what was built may not. */
const SHARED = ['store', 'toolbox', 'indexes', 'universe', 'releases', 'bases'];
const LISTED = 20;

export interface CheckResult {
  readonly same: boolean;
  /** What was different about the second build. */
  readonly conditions: Readonly<Record<string, string>>;
  /** How many files were compared. */
  readonly files: number;
  readonly differences: readonly BundleDifference[];
  /** Of the file trees, where they differ. */
  readonly tree: readonly TreeDifference[];
}

/** The conditions of the second build, each other than those of this process. */
function otherConditions(ctx: Context) {
  const { env } = ctx;
  const timeZone = env['TZ'] === 'Pacific/Chatham' ? 'America/St_Johns' : 'Pacific/Chatham';
  const locale = env['LC_ALL'] === 'tr_TR.UTF-8' ? 'C' : 'tr_TR.UTF-8';
  return {
    jobs: String(ctx.jobs === 1 ? 3 : 1),
    timeZone,
    locale,
    umask: process.umask() === 0o077 ? '022' : '077',
    tree: env['VSEC_TREE'] === 'disk' ? 'memory' : 'disk',
    cache: 'no stage, no tree',
  };
}

/** @param args what the first build was told of formats and the like */
export async function checkBuild(
  first: BuildResult,
  vse: Vse,
  target: string,
  args: readonly string[],
  ctx: Context,
): Promise<{ readonly result: CheckResult; readonly diagnostics: readonly Diagnostic[] }> {
  const scratch = join(dirname(first.bundle), `.check-${runName()}`);
  const cacheDir = join(scratch, 'cache');
  const conditions = otherConditions(ctx);
  try {
    await explainIo('build a second time', scratch, async () => {
      await makeFolder(cacheDir);
      await hold(
        SHARED.map((name) => `${name}/`),
        ctx,
      );
      for (const name of SHARED) {
        mkdirSync(join(ctx.cacheDir, name), { recursive: true });
        symlinkSync(join(ctx.cacheDir, name), join(cacheDir, name));
      }
      mkdirSync(join(scratch, 'tmp'));
    });
    const second = await task(ctx.report, 'second', 'Building a second time', () =>
      buildOnceMore(target, args, scratch, conditions, ctx),
    );
    const compared = await task(ctx.report, 'compare', 'Comparing the two', () =>
      compareBundles(first.bundle, second),
    );
    const same = compared.differences.length === 0;
    const tree = same ? [] : await compareTheirTrees(vse, first.bundle, { ...ctx, cacheDir }, ctx);
    const result = { same, conditions, ...compared, tree };
    return { result, diagnostics: same ? [] : [notTheSame(compared, tree)] };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Both are in their caches, so nothing is built for it. */
async function compareTheirTrees(
  vse: Vse,
  bundle: string,
  other: Context,
  ctx: Context,
): Promise<readonly TreeDifference[]> {
  const lock = await readLock(join(bundle, 'lock.json'));
  const toolbox = await prepareToolbox(lock.toolbox, 'build toolbox', ctx);
  const one = await obtainRootfs(vse, lock, toolbox, ctx);
  const two = await obtainRootfs(vse, lock, toolbox, other);
  await Promise.all([one.removed, two.removed]);
  const [first, second] = [one.rootfs, two.rootfs];
  return first.digest === second.digest ? [] : compareTrees(first.tar, second.tar, LISTED);
}

/** Runs this program again; returns the path of the second bundle. */
async function buildOnceMore(
  target: string,
  args: readonly string[],
  scratch: string,
  conditions: ReturnType<typeof otherConditions>,
  ctx: Context,
): Promise<string> {
  const { jobs, umask, timeZone, locale, tree } = conditions;
  const command = [process.execPath, resolve(process.argv[1] ?? ''), 'build', target, ...args];
  const options = ['--locked', '--json', '--progress', 'json', '--jobs', jobs];
  const places = ['--cache-dir', join(scratch, 'cache'), '-O', join(scratch, 'out')];
  const { VSEC_TREE: _, ...env } = ctx.env;
  const child = spawn(
    'sh',
    ['-c', `umask ${umask}; exec "$@"`, 'sh', ...command, ...options, ...places],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: ctx.signal,
      env: {
        ...env,
        ...{ TZ: timeZone, LC_ALL: locale, TMPDIR: join(scratch, 'tmp') },
        ...(tree === 'disk' && { VSEC_TREE: tree }),
      },
    },
  );
  let stdout = '';
  const failures: Diagnostic[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  createInterface({ input: child.stderr }).on('line', (line) => {
    const event = parse(line);
    if (event?.type === 'diagnostic') {
      const { code, message, hint, notes, severity } = event as unknown as JsonDiagnostic;
      if (severity === 'error')
        failures.push(error(code, message, { notes, hint: hint ?? undefined }));
    } else if (event && 'task' in event) ctx.report({ ...event, task: `second:${event.task}` });
  });
  const code = await new Promise<number | null>((done, fail) => {
    child.on('error', fail).on('close', done);
  });
  ctx.signal.throwIfAborted();
  if (code === 0) return (JSON.parse(stdout) as BuildResult).bundle;
  if (failures.length > 0) throw new VsecError(failures);
  throw new Error(`the second build ended with exit code ${code}`);
}

function parse(line: string): ReportEvent | undefined {
  try {
    return JSON.parse(line) as ReportEvent;
  } catch {
    return undefined;
  }
}
