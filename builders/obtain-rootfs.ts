/** From a lock to the finished tree: out of the cache, or assembled in the sandbox. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fetchPackages } from '../repos/fetch-packages.ts';
import type { Lock } from '../repos/lock.ts';
import { VsecError } from '../vse/diagnostic.ts';
import type { Context } from '../vse/report.ts';
import type { Vse } from '../vse/types.ts';
import type { AssembleJob } from './job.ts';
import { finishRecipe } from './rootfs/recipe.ts';
import { chooseMode, isolationOf } from './sandbox/modes.ts';
import type { SandboxMode } from './sandbox/modes.ts';
import { runInSandbox } from './sandbox/worker-process.ts';
import type { Stage } from './stages.ts';
import { stagesOf, treeKey } from './stages.ts';
import type { Toolbox } from './toolbox.ts';

/** A finished file tree. It knows nothing of hypervisors. */
export interface Rootfs {
  /** `sha256:…` over the canonical tar: paths, modes, owners, links, capabilities, times, contents. */
  readonly digest: string;
  /** Absolute paths. */
  readonly tar: string;
  readonly kernel?: { readonly release: string; readonly image: string; readonly initrd: string };
}

export interface RootfsOptions {
  readonly sandbox?: SandboxMode;
  /** Leave the tree of a failed assembly for a look; the message says where. */
  readonly keepFailed?: boolean;
}

function cached(folder: string): Rootfs | undefined {
  const file = join(folder, 'rootfs.json');
  if (!existsSync(file)) return undefined;
  const { digest, release } = JSON.parse(readFileSync(file, 'utf8')) as {
    digest: string;
    release?: string;
  };
  return {
    digest,
    tar: join(folder, 'rootfs.tar'),
    ...(release !== undefined && {
      kernel: { release, image: join(folder, 'vmlinuz'), initrd: join(folder, 'initrd') },
    }),
  };
}

/** Puts a folder at its name; when somebody was faster, theirs stays. */
function settle(partial: string, folder: string): void {
  mkdirSync(dirname(folder), { recursive: true });
  try {
    renameSync(partial, folder);
  } catch (e) {
    if (!existsSync(folder)) throw e;
  }
}

/**
 * Obtains the tree that `lock` and `vse` describe. Fetches only the packages of stages that must
 * be assembled. A failure or an abort leaves nothing behind but whole stages.
 */
export async function obtainRootfs(
  vse: Vse,
  lock: Lock,
  toolbox: Toolbox,
  ctx: Context,
  options: RootfsOptions = {},
): Promise<Rootfs> {
  const stages = stagesOf(lock);
  const folder = join(ctx.cacheDir, 'rootfs', treeKey(stages, vse.treeDigest));
  const known = cached(folder);
  if (known) return known;

  const stageTar = (stage: Stage): string => join(ctx.cacheDir, 'stages', `${stage.key}.tar`);
  const start = stages.findLastIndex((stage) => existsSync(stageTar(stage)));
  const missing = stages.slice(start + 1);
  // What a change of the topmost layer starts from; each kept stage costs as much as its tree.
  const kept = missing.length > 1 ? missing.at(-2) : undefined;
  const mode = await chooseMode(options.sandbox);
  const paths = await fetchPackages(
    missing.flatMap((stage) => stage.packages),
    lock.repositories,
    ctx,
  );

  const work = join(ctx.cacheDir, 'work', `${process.pid}-${randomBytes(6).toString('hex')}`);
  const output = join(work, 'out');
  mkdirSync(output, { recursive: true });
  mkdirSync(join(ctx.cacheDir, 'stages'), { recursive: true });
  const job: AssembleJob = {
    kind: 'assemble',
    root: join(work, 'root'),
    toolbox: { root: toolbox.root, digest: toolbox.digest },
    isolation: isolationOf(mode),
    architecture: lock.distribution.architecture,
    epoch: lock.epoch,
    jobs: ctx.jobs,
    ...(start >= 0 && { restore: stageTar(stages[start] as Stage) }),
    stages: missing.map((stage) => ({
      label: stage.label,
      packages: stage.packages.map((pkg) => ({
        path: paths.get(pkg.sha256) as string,
        label: `${pkg.name} ${pkg.version}`,
      })),
      installedSize: stage.packages.reduce((sum, pkg) => sum + pkg.installedSize, 0),
      ...(stage === kept && { save: stageTar(stage) }),
    })),
    finish: finishRecipe(vse),
    output,
  };
  let keep = false;
  try {
    const result = await runInSandbox(job, mode, ctx);
    if (!result) throw new Error('the sandbox gave no result');
    const digest = `sha256:${result.sha256}`;
    writeFileSync(
      join(output, 'rootfs.json'),
      `${JSON.stringify({ digest, release: result.kernelRelease })}\n`,
    );
    settle(output, folder);
    return cached(folder) as Rootfs;
  } catch (e) {
    if (options.keepFailed && e instanceof VsecError) {
      keep = true;
      ctx.report({ type: 'log', level: 'info', message: `the failed tree is kept at ${job.root}` });
    }
    throw explain(e, vse);
  } finally {
    if (!keep) await removeTree(work, mode, ctx);
  }
}

/** Removes a tree whose files belong to ids that only the sandbox has. */
async function removeTree(path: string, mode: SandboxMode, ctx: Context): Promise<void> {
  if (mode === 'userns') {
    const signal = new AbortController().signal;
    await runInSandbox({ kind: 'remove', path }, mode, { ...ctx, signal });
  } else rmSync(path, { recursive: true, force: true });
}

/** Adds to a failure of one option where that option was set. */
function explain(e: unknown, vse: Vse): unknown {
  if (!(e instanceof VsecError)) return e;
  const diagnostics = e.diagnostics.map((diagnostic) => {
    if (diagnostic.span) return diagnostic;
    const option = diagnostic.notes
      .map((note) => /^option (.+)$/.exec(note.message)?.[1])
      .find((path) => path !== undefined);
    if (option === undefined) return diagnostic;
    const origins = [...vse.origins].find(
      ([path]) => path === option || path.startsWith(`${option}.`),
    )?.[1];
    const span = origins?.at(-1)?.span;
    return span ? { ...diagnostic, span } : diagnostic;
  });
  return new VsecError(diagnostics, e.exitCode);
}
