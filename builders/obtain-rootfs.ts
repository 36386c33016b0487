/** From a lock to the finished tree: out of the cache, or assembled in the sandbox. */
import { basename, join, relative } from 'node:path';
import { fetchPackages } from '../repos/fetch-packages.ts';
import { makeFolder } from '../repos/io-errors.ts';
import { noteUse } from '../repos/last-use.ts';
import type { Lock } from '../repos/lock.ts';
import { Store } from '../repos/store.ts';
import { sideBySide } from '../repos/together.ts';
import { VsecError } from '../vse/diagnostic.ts';
import type { Context } from '../vse/report.ts';
import type { Vse } from '../vse/types.ts';
import { diskTrouble } from './disk-trouble.ts';
import type { AssembleJob } from './job.ts';
import { runName } from '../repos/leftovers.ts';
import { hold } from './lease.ts';
import { DamagedStage, checkStage, dropStage, keptStage } from './kept-stage.ts';
import type { KeptStage } from './kept-stage.ts';
import { checkKept } from './packages.ts';
import { finishRecipe } from './rootfs/recipe.ts';
import { memoryFor } from './sandbox/memory.ts';
import { chooseMode, isolationOf } from './sandbox/modes.ts';
import type { SandboxMode } from './sandbox/modes.ts';
import { runInSandbox } from './sandbox/worker-process.ts';
import { describeRootfs, dropDamagedRootfs, keptRootfs, settle } from './kept-rootfs.ts';
import type { Rootfs } from './kept-rootfs.ts';
import { keepTree, removeTree, sweep } from './work-folders.ts';
import type { Stage } from './stages.ts';
import { stagesOf, treeKey } from './stages.ts';
import type { Toolbox } from './toolbox.ts';
import { takeTurn } from '../repos/turn.ts';

export interface RootfsOptions {
  readonly sandbox?: SandboxMode;
  /** Leave the tree of a failed assembly for a look; the message says where. */
  readonly keepFailed?: boolean;
}

/** A tree, and where it comes from. */
export interface Obtained {
  readonly rootfs: Rootfs;
  /** The cache had it, and nobody has read it since: `brokenSeal` tells whether it is what it was. */
  readonly unread: boolean;
  /** Ends when nothing is left of the work; what comes of the tree need not wait for it. */
  readonly removed: Promise<void>;
}

/** A tree that was made now. */
type Made = Pick<Obtained, 'rootfs' | 'removed'>;

/**
 * Obtains the tree that `lock` and `vse` describe. Fetches only the packages of stages that must
 * be assembled. A failure or an abort leaves nothing behind but whole stages. `doubted`: what the
 * cache has is read before it is taken, and made anew when it is damaged (BUILD107, a warning).
 */
export async function obtainRootfs(
  vse: Vse,
  lock: Lock,
  toolbox: Toolbox,
  ctx: Context,
  options: RootfsOptions & { readonly doubted?: boolean } = {},
): Promise<Obtained> {
  await sweep(join(ctx.cacheDir, 'work'), options.sandbox, ctx);
  const stages = stagesOf(lock);
  const folder = join(ctx.cacheDir, 'rootfs', treeKey(stages, vse.treeDigest));
  const inCache = (path: string): string => relative(ctx.cacheDir, path);
  await hold([inCache(folder), ...stages.map((stage) => `stages/${stage.key}`)], ctx);
  const { doubted = false } = options;
  const isMade = (): boolean => !doubted && keptRootfs(folder) !== undefined;
  const end = await takeTurn(basename(folder), isMade, ctx);
  try {
    if (doubted) await dropDamagedRootfs(folder, ctx);
    const known = keptRootfs(folder);
    if (known) await noteUse(folder);
    if (known) return { rootfs: known, unread: !doubted, removed: Promise.resolve() };
    const made = await makeRootfs({ vse, lock, toolbox, stages, folder, options }, ctx);
    return { ...made, unread: false };
  } finally {
    end();
  }
}

/** Where to start from, and what to keep: the stage that a change of the topmost layer starts from. */
interface Plan {
  readonly start?: Start;
  readonly missing: readonly Stage[];
  /** Of the missing ones; each kept stage costs as much as its tree. */
  readonly keep?: Stage;
}

/** A stage that the cache has. */
interface Start extends KeptStage {
  readonly label: string;
}

function planOf(stages: readonly Stage[], ctx: Context): Plan {
  const kept = stages.map(({ key }) => keptStage(ctx.cacheDir, key));
  const at = kept.findLastIndex((one) => one !== undefined);
  const start = kept[at] && { ...kept[at], label: stages[at]?.label ?? '' };
  const missing = stages.slice(at + 1);
  const keep = missing.at(-2);
  return { ...(start && { start }), missing, ...(keep && { keep }) };
}

/** What a tree is made of, and where it is to lie in the cache. */
interface Input {
  readonly vse: Vse;
  readonly lock: Lock;
  readonly toolbox: Toolbox;
  readonly stages: readonly Stage[];
  readonly folder: string;
  readonly options: RootfsOptions;
}

/** Makes the tree, once the stage to keep is there or it is our turn to make that. */
async function makeRootfs(input: Input, ctx: Context): Promise<Made> {
  const { keep } = planOf(input.stages, ctx);
  const isKept = (): boolean =>
    keep === undefined || keptStage(ctx.cacheDir, keep.key) !== undefined;
  const end = await takeTurn(keep?.key ?? 'none', isKept, ctx);
  let plan: Plan | undefined;
  try {
    plan = planOf(input.stages, ctx);
    return await assembleRootfs(input, plan, ctx);
  } catch (e) {
    if (!(e instanceof DamagedStage) || !plan?.start) throw e;
    await dropStage(plan.start, plan.start.label, ctx);
  } finally {
    end();
  }
  return makeRootfs(input, ctx);
}

async function assembleRootfs(
  { vse, lock, toolbox, folder, options }: Input,
  { start, missing, keep: kept }: Plan,
  ctx: Context,
): Promise<Made> {
  if (start) await noteUse(start.path);
  const mode = await chooseMode(options.sandbox);
  const wanted = missing.flatMap((stage) => stage.packages);
  await checkKept(wanted, ctx);
  const store = new Store(ctx.cacheDir);
  const works = join(ctx.cacheDir, 'work');
  const name = runName();
  const work = join(works, name);
  const output = join(work, 'out');
  const scratch = join(work, 'scratch');
  const memory =
    mode === 'chroot' || options.keepFailed
      ? undefined
      : memoryFor(
          lock.packages.reduce((sum, pkg) => sum + pkg.installedSize, 0),
          ctx.env,
        );
  const job: AssembleJob = {
    kind: 'assemble',
    root: join(work, 'root'),
    toolbox: { root: toolbox.root, digest: toolbox.digest },
    isolation: isolationOf(mode),
    architecture: lock.distribution.architecture,
    epoch: lock.epoch,
    jobs: ctx.jobs,
    ...(start && { restore: start }),
    stages: missing.map((stage) => ({
      label: stage.label,
      packages: stage.packages.map((pkg) => ({
        path: store.path(pkg.sha256),
        label: `${pkg.name} ${pkg.version}`,
      })),
      installedSize: stage.packages.reduce((sum, pkg) => sum + pkg.installedSize, 0),
      ...(stage === kept && { save: join(ctx.cacheDir, 'stages', stage.key) }),
    })),
    finish: finishRecipe(vse),
    ...{ output, scratch },
    ...(memory !== undefined && { memory }),
  };
  let keep = false;
  let made: Made | undefined;
  try {
    await makeFolder(output);
    await makeFolder(scratch);
    await makeFolder(join(ctx.cacheDir, 'stages'));
    // The first stages are assembled while packages of the last ones are still on their way.
    const [result] = await sideBySide(ctx.signal, [
      (signal) => runInSandbox(job, mode, { ...ctx, signal }),
      (signal) => fetchPackages(wanted, lock.repositories, { ...ctx, signal }),
      // Beside the rest, on a core that has little to do; what comes of the tree waits for it.
      (signal) => (start ? checkStage(start, signal) : Promise.resolve()),
    ]);
    if (!result) throw new Error('the sandbox gave no result');
    await describeRootfs(output, result);
    const rootfs = settle(output, folder);
    return (made = { rootfs, removed: removeTree(work, mode, ctx) });
  } catch (e) {
    // A damaged stage may make the work above it fail before its digest is known.
    if (start && !(e instanceof DamagedStage)) await checkStage(start, ctx.signal);
    keep = (options.keepFailed ?? false) && e instanceof VsecError;
    throw explain(diskTrouble(e, 'assemble the tree', work), vse);
  } finally {
    if (keep) keepTree(work, join(works, `kept-${name}`), ctx);
    else if (!made) await removeTree(work, mode, ctx);
  }
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
