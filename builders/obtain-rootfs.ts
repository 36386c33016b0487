/** From a lock to the finished tree: out of the cache, or assembled in the sandbox. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { makeFolder } from '../repos/io-errors.ts';
import { noteUse } from '../repos/last-use.ts';
import type { Lock } from '../repos/lock.ts';
import { VsecError } from '../vse/diagnostic.ts';
import type { Context } from '../vse/report.ts';
import type { Vse } from '../vse/types.ts';
import { diskTrouble } from './disk-trouble.ts';
import type { AssembleJob } from './job.ts';
import { abandonedIn, runName } from '../repos/leftovers.ts';
import { hold } from './lease.ts';
import { obtainPackages } from './packages.ts';
import { finishRecipe } from './rootfs/recipe.ts';
import { killInside } from './sandbox/kill-inside.ts';
import { memoryFor } from './sandbox/memory.ts';
import { chooseMode, isolationOf } from './sandbox/modes.ts';
import type { SandboxMode } from './sandbox/modes.ts';
import { runInSandbox } from './sandbox/worker-process.ts';
import { seal } from './seal.ts';
import type { Stage } from './stages.ts';
import { stagesOf, treeKey } from './stages.ts';
import type { Toolbox } from './toolbox.ts';

/** A finished file tree. It knows nothing of hypervisors. */
export interface Rootfs {
  /** `sha256:…` over the canonical tar: paths, modes, owners, links, capabilities, times, contents. */
  readonly digest: string;
  /** Absolute paths. */
  readonly tar: string;
  readonly kernel?: {
    readonly release: string;
    readonly image: string;
    readonly initrd: string;
    readonly config?: string;
  };
  readonly hypervisor?: { readonly release: string; readonly image: string; readonly efi?: string };
}

export interface RootfsOptions {
  readonly sandbox?: SandboxMode;
  /** Leave the tree of a failed assembly for a look; the message says where. */
  readonly keepFailed?: boolean;
}

const DESCRIPTION = 'rootfs.json';

interface Description {
  readonly digest: string;
  /** Bytes of the tar. */
  readonly size: number;
  /** Of the kernel. */
  readonly release?: string;
  /** Of the hypervisor. */
  readonly hypervisor?: string;
}

/** The finished tree in `folder`; `undefined` when there is none, or not all of it. */
function cached(folder: string): Rootfs | undefined {
  const at = (name: string): string => join(folder, name);
  const ifThere = (name: string): string | undefined =>
    existsSync(at(name)) ? at(name) : undefined;
  const tar = at('rootfs.tar');
  let found: Description;
  try {
    found = JSON.parse(readFileSync(join(folder, DESCRIPTION), 'utf8')) as Description;
  } catch {
    return undefined;
  }
  const { digest, size, release, hypervisor } = found;
  if (statSync(tar, { throwIfNoEntry: false })?.size !== size) return undefined;
  const [image, initrd, config] = ['vmlinuz', 'initrd', 'kernel-config'].map(ifThere);
  const [xen, efi] = ['xen.gz', 'xen.efi'].map(ifThere);
  if (release !== undefined && !(image && initrd)) return undefined;
  if (hypervisor !== undefined && !xen) return undefined;
  return {
    ...{ digest, tar },
    ...(release &&
      image &&
      initrd && { kernel: { release, image, initrd, ...(config && { config }) } }),
    ...(hypervisor &&
      xen && { hypervisor: { release: hypervisor, image: xen, ...(efi && { efi }) } }),
  };
}

/** Puts a finished tree at its name; when somebody was faster, theirs stays. */
function settle(partial: string, folder: string): Rootfs {
  mkdirSync(dirname(folder), { recursive: true });
  if (!cached(folder)) rmSync(folder, { recursive: true, force: true });
  try {
    renameSync(partial, folder);
  } catch (e) {
    if (!cached(folder)) throw e;
  }
  return cached(folder) as Rootfs;
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
  const works = join(ctx.cacheDir, 'work');
  await sweep(works, ctx, options);
  const stages = stagesOf(lock);
  const folder = join(ctx.cacheDir, 'rootfs', treeKey(stages, vse.treeDigest));
  const inCache = (path: string): string => relative(ctx.cacheDir, path);
  await hold([inCache(folder), ...stages.map((stage) => `stages/${stage.key}`)], ctx);
  const known = cached(folder);
  if (known) {
    await noteUse(folder);
    return known;
  }

  const stageTar = (stage: Stage): string => join(ctx.cacheDir, 'stages', `${stage.key}.tar`);
  const start = stages.findLastIndex((stage) => existsSync(stageTar(stage)));
  const started = stages[start];
  if (started) await noteUse(stageTar(started));
  const missing = stages.slice(start + 1);
  // What a change of the topmost layer starts from; each kept stage costs as much as its tree.
  const kept = missing.length > 1 ? missing.at(-2) : undefined;
  const mode = await chooseMode(options.sandbox);
  const paths = await obtainPackages(
    missing.flatMap((stage) => stage.packages),
    lock.repositories,
    ctx,
  );

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
    ...(started && { restore: stageTar(started) }),
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
    ...{ output, scratch },
    ...(memory !== undefined && { memory }),
  };
  let keep = false;
  try {
    await makeFolder(output);
    await makeFolder(scratch);
    await makeFolder(join(ctx.cacheDir, 'stages'));
    const result = await runInSandbox(job, mode, ctx);
    if (!result) throw new Error('the sandbox gave no result');
    const { sha256, kernelRelease: release, hypervisorRelease: hypervisor } = result;
    const { size } = statSync(join(output, 'rootfs.tar'));
    const description: Description = {
      digest: `sha256:${sha256}`,
      size,
      ...(release !== undefined && { release }),
      ...(hypervisor !== undefined && { hypervisor }),
    };
    writeFileSync(join(output, DESCRIPTION), `${JSON.stringify(description)}\n`);
    await seal(output, { 'rootfs.tar': sha256 });
    return settle(output, folder);
  } catch (e) {
    keep = (options.keepFailed ?? false) && e instanceof VsecError;
    throw explain(diskTrouble(e, 'assemble the tree', work), vse);
  } finally {
    if (keep) keepTree(work, join(works, `kept-${name}`), ctx);
    else await removeTree(work, mode, ctx);
  }
}

/** Removes the trees of builds that were killed. */
async function sweep(works: string, ctx: Context, options: RootfsOptions): Promise<void> {
  const left = abandonedIn(works);
  if (left.length === 0) return;
  const mode = await chooseMode(options.sandbox);
  for (const path of left) await removeTree(path, mode, ctx);
}

/** Under a name that no sweep takes; `vsec cache prune` does. */
function keepTree(work: string, kept: string, ctx: Context): void {
  renameSync(work, kept);
  const now = new Date();
  utimesSync(kept, now, now);
  const message = `the failed tree is kept at ${join(kept, 'root')}`;
  ctx.report({ type: 'log', level: 'info', message });
}

/**
 * Removes a tree whose files belong to ids that only the sandbox has, also after Ctrl-C. What
 * cannot be removed is left to the next build; it is no reason to fail.
 */
async function removeTree(path: string, mode: SandboxMode, ctx: Context): Promise<void> {
  try {
    if (mode === 'userns') {
      const { signal } = new AbortController();
      await runInSandbox({ kind: 'remove', path }, mode, { ...ctx, signal });
    } else {
      if (mode === 'chroot') killInside(join(path, 'root'));
      rmSync(path, { recursive: true, force: true });
    }
  } catch (e) {
    const message = `cannot remove ${path}: ${(e as Error).message}`;
    ctx.report({ type: 'log', level: 'debug', message });
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
