/** Assembling a tree inside the sandbox: the stages in their order, then the finish. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../vse/report.ts';
import { task } from '../vse/report.ts';
import { Ahead } from './deb/ahead.ts';
import { decompressWith } from './deb/decompress.ts';
import { installPackages, mergeUsr } from './deb/install.ts';
import type { AssembleJob, AssembleResult, StageJob } from './job.ts';
import { keepStage } from './kept-stage.ts';
import { finishTree } from './rootfs/finish.ts';
import { copyTree, restoreTree, saveTree } from './rootfs/snapshot.ts';
import { Inside } from './sandbox/inside.ts';
import { mountMemory } from './sandbox/memory.ts';
import { openToolbox } from './toolbox.ts';
import type { Toolbox } from './toolbox.ts';

const POLL_MS = 20;

/** Waits until all files are there; who brings them ends this process where one cannot be had. */
async function arrived(paths: readonly string[]): Promise<void> {
  for (const path of paths) while (!existsSync(path)) await sleep(POLL_MS);
}

async function runStage(
  stage: StageJob,
  job: AssembleJob,
  inside: Inside,
  toolbox: Toolbox,
  ahead: Ahead,
  report: Report,
): Promise<void> {
  await arrived(stage.packages.map((pkg) => pkg.path));
  let bytes = 0;
  let configured = 0;
  await task(
    report,
    `stage:${stage.label}`,
    `Installing ${stage.packages.length} packages of ${stage.label}`,
    (advance) =>
      installPackages(stage.packages, inside, {
        jobs: job.jobs + 1,
        decompress: decompressWith(toolbox),
        ahead,
        unpacked: (n) => {
          bytes += n;
          advance(bytes, Math.max(stage.installedSize, bytes));
        },
        configuring: (name) =>
          advance(bytes, Math.max(stage.installedSize, bytes), `${++configured} set up, ${name}`),
      }),
    { total: stage.installedSize, unit: 'bytes' },
  );
}

/** Runs the whole job; the tree is left as it is for the caller to remove. */
export async function assemble(job: AssembleJob, report: Report): Promise<AssembleResult> {
  process.umask(0o022);
  const toolbox = openToolbox(job.toolbox.root, job.toolbox.digest);
  mkdirSync(job.root, { recursive: true, mode: 0o755 });
  if (job.memory !== undefined) await mountMemory(job.root, job.memory, toolbox);
  const inside = new Inside(job.root, job.isolation, toolbox, job.epoch);
  const paths = job.stages.flatMap((stage) => stage.packages.map((pkg) => pkg.path));
  const ahead = new Ahead(toolbox, join(job.scratch, 'ahead'), paths, job.jobs);
  let kept: Promise<void> | undefined;
  try {
    if (job.restore) {
      const tar = job.restore.path;
      await task(report, 'restore', 'Starting from a cached stage', () =>
        restoreTree(toolbox, tar, job.root),
      );
    } else mergeUsr(job.root, job.architecture);
    for (const stage of job.stages) {
      if (stage.packages.length > 0) await runStage(stage, job, inside, toolbox, ahead, report);
      if (stage.save) {
        await inside.leave();
        const copy = join(job.scratch, 'stage.part');
        await copyTree(toolbox, job.root, copy, job.epoch);
        // Its digest is taken while the next stage goes on.
        kept = keepStage(copy, stage.save, job.restore);
        kept.catch(() => undefined);
      }
    }
    const releases = await task(report, 'finish', 'Finishing the tree', (advance) => {
      let steps = 0;
      return finishTree(inside, job.finish, job.epoch, job.output, (label) =>
        advance(++steps, undefined, label),
      );
    });
    const sha256 = await task(report, 'tree', 'Reading the finished tree', () =>
      saveTree(toolbox, job.root, join(job.output, 'rootfs.tar'), job.epoch, job.scratch),
    );
    await kept;
    return { sha256, ...releases };
  } finally {
    await inside.leave();
    // What is above it may be at fault; the stage is right, and the next build starts from it.
    await kept?.catch(() => undefined);
  }
}
