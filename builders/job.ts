/** What crosses the border into the sandbox: a job as JSON, and its events as JSON lines. */
import type { Diagnostic } from '../vse/diagnostic.ts';
import type { ReportEvent } from '../vse/report.ts';
import type { PackageFile } from './deb/unpack.ts';
import type { KeptStage } from './kept-stage.ts';
import type { BootReleases } from './rootfs/finish.ts';
import type { FinishRecipe } from './rootfs/recipe.ts';
import type { Isolation } from './sandbox/inside.ts';

export interface StageJob {
  readonly label: string;
  /** In any order; their files may come while stages below are assembled, and are whole then. */
  readonly packages: readonly PackageFile[];
  /** Bytes once installed, for the progress. */
  readonly installedSize: number;
  /** Where to keep the tree after this stage: a path, to which its digest is added (kept-stage.ts). */
  readonly save?: string;
}

export interface AssembleJob {
  readonly kind: 'assemble';
  readonly root: string;
  readonly toolbox: { readonly root: string; readonly digest: string };
  readonly isolation: Isolation;
  readonly architecture: string;
  /** Seconds since 1970. */
  readonly epoch: number;
  readonly jobs: number;
  /** The tree is made in memory, of at most so many bytes; on disk when absent. */
  readonly memory?: number;
  /** A saved tree to start from. */
  readonly restore?: KeptStage;
  readonly stages: readonly StageJob[];
  readonly finish: FinishRecipe;
  /** Folder that receives `rootfs.tar`, `vmlinuz`, `initrd`, `kernel-config`, `xen.gz`, `xen.efi`. */
  readonly output: string;
  /** Folder for what is needed for a moment, on the disk of `output`. */
  readonly scratch: string;
}

export interface RemoveJob {
  readonly kind: 'remove';
  readonly path: string;
}

export type Job = AssembleJob | RemoveJob;

export interface AssembleResult extends BootReleases {
  /** SHA-256 of `rootfs.tar`, hex. */
  readonly sha256: string;
}

export type WorkerEvent =
  | { readonly type: 'report'; readonly event: ReportEvent }
  | { readonly type: 'done'; readonly result: AssembleResult | null }
  | {
      readonly type: 'failed';
      readonly diagnostics: readonly Diagnostic[];
      readonly stack?: string;
    };
