/**
 * A Xen host of our own, in QEMU, as a place to start guests of Xen in: QEMU → GRUB → Xen → dom0 →
 * a script of the caller's. Nothing of it is stored anywhere: the host's disk is an overlay.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../vse/report.ts';
import { task } from '../../vse/report.ts';
import type { Accelerator, GoldenImage } from '../backend.ts';
import { disk } from '../backends/machine.ts';
import { qemuPlan, TCG_CPU } from '../backends/qemu-guest.ts';
import { qemuValue } from '../backends/quote.ts';
import { goldenImage, readManifest } from '../manifest.ts';
import type { Toolbox } from '../toolbox.ts';
import { writeFilesDisk } from './files-disk.ts';
import type { FileOnDisk } from './files-disk.ts';
import type { ProcessCommand } from './guest-process.ts';
import { overlay } from './image-under-test.ts';
import { awaitServer, freePort, guestLogin, makeKey, sshCommand } from './login.ts';
import type { Watched } from './watch.ts';
import { watchGuest } from './watch.ts';

/** A disk that dom0 shall see as `/dev/disk/by-id/virtio-<serial>`. */
export interface HostDisk {
  /** At most 20 letters, digits and `-`. */
  readonly serial: string;
  /** Absolute path here. */
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
  readonly readonly?: true;
}

export interface XenHostJob {
  /** Absolute path of the bundle of the host. */
  readonly host: string;
  readonly accelerator: Accelerator;
  /** Bytes that the guests need together, besides what the host itself has. */
  readonly guestMemory: number;
  /** Guests need hardware virtualization (PVH, HVM), which TCG then emulates, too: slowly. */
  readonly hardware?: boolean;
  /** What is in dom0's folder `XEN_FILES`. */
  readonly files: readonly FileOnDisk[];
  readonly disks: readonly HostDisk[];
  /** Of these files: the shell script that root runs there. What it prints is the console. */
  readonly script: string;
  /** Milliseconds, for the host and then again for the script. */
  readonly timeout: number;
  /** A folder of the caller's, for overlays and keys. */
  readonly scratch: string;
  /** Gets the host's console until it is up, then what the script prints. */
  readonly keep?: (chunk: Buffer) => void;
}

export interface XenHostRun {
  readonly host: Watched;
  /** What became of the script; absent where the host did not come up. `up`: by a guest's report. */
  readonly guest?: Watched;
}

/** Where the files of a job are in dom0. */
export const XEN_FILES = '/var/tmp/vsec';
const FILES_DISK = 'vsec-files';

/** The cheapest processor on which Xen starts, with and without virtualization of its own. */
const CPU = { plain: TCG_CPU, hardware: `${TCG_CPU},+svm,+npt` };

/** Milliseconds until a console may say its first word. */
const FIRST_OUTPUT = 120_000;
const AFTER_TROUBLE = 3000;
/** Milliseconds until dom0, which is up, must let us in. */
const FIRST_LOGIN = 180_000;

/**
 * Starts the host, runs the script in its dom0, and watches what it prints for a guest's report.
 * Host and guests are gone when this returns or throws. A host or guest that does not come up is a
 * result; BOOT040 is thrown when dom0 lets nobody in.
 */
export async function bootInXenHost(
  job: XenHostJob,
  toolbox: Toolbox,
  ctx: Context,
): Promise<XenHostRun> {
  const key = await makeKey(toolbox, job.scratch, ctx);
  const way = { key, port: await freePort(), toolbox };
  const command = await hostCommand(job, guestLogin(key, way.port), toolbox, ctx);
  let stage: 'host' | 'guest' = 'host';
  const host = await task(ctx.report, 'xen-host', 'Starting a Xen host', () =>
    watchGuest(command, patience(job.timeout), ctx.report, ctx.signal, (chunk) => {
      if (stage === 'host') job.keep?.(chunk);
    }),
  );
  if (host.ending.kind !== 'up' || host.ending.report.xenRole !== 'dom0') {
    await host.guest.stop();
    return { host };
  }
  stage = 'guest';
  try {
    await awaitServer(way, ctx.signal, FIRST_LOGIN);
    const guest = await task(ctx.report, 'xen-guest', 'Starting the guest in it', () =>
      watchGuest(
        sshCommand(inDom0(job.script), way),
        patience(job.timeout),
        ctx.report,
        ctx.signal,
        job.keep,
      ),
    );
    await guest.guest.stop();
    return { host, guest };
  } finally {
    await host.guest.stop();
  }
}

const patience = (total: number) => ({
  total,
  firstOutput: Math.min(total, FIRST_OUTPUT),
  afterTrouble: AFTER_TROUBLE,
});

const inDom0 = (script: string): string =>
  [
    `mkdir -p ${XEN_FILES} && cd ${XEN_FILES}`,
    `tar -xf /dev/disk/by-id/virtio-${FILES_DISK}`,
    `exec sh ./${script} 2>&1`,
  ].join(' && ');

async function hostCommand(
  job: XenHostJob,
  login: ReturnType<typeof guestLogin>,
  toolbox: Toolbox,
  ctx: Context,
): Promise<ProcessCommand> {
  const { scratch, accelerator, host: bundle } = job;
  const image = withRoom(goldenImage(await readManifest(bundle)), job.guestMemory);
  const { file, format } = disk(image, ['qcow2', 'raw']);
  const folder = join(scratch, 'host');
  mkdirSync(folder);
  const under = { path: join(bundle, file), file, format, sha256: '' };
  const files = join(folder, 'files.tar');
  await writeFilesDisk(files, job.files);
  const plan = qemuPlan(image, {
    ...{ bundle, scratch: folder, accelerator, login, toolboxRoot: toolbox.root },
    firmware: 'bios',
    disk: await overlay(under, image, toolbox, folder, ctx),
  });
  const disks: readonly HostDisk[] = [
    { serial: FILES_DISK, path: files, format: 'raw', readonly: true },
    ...job.disks,
  ];
  const args = [
    ...plan.args,
    // What comes last counts.
    ...(accelerator === 'tcg' ? ['-cpu', job.hardware ? CPU.hardware : CPU.plain] : []),
    ...disks.flatMap(diskArgs),
  ];
  const { file: program, args: argv, env } = toolbox.command(plan.program, args);
  const leash = toolbox.command('setpriv', ['--pdeathsig', 'KILL', '--', program, ...argv]);
  return { ...leash, env: { ...leash.env, ...env, ...plan.env } };
}

const diskArgs = ({ serial, path, format, readonly }: HostDisk): readonly string[] => [
  '-drive',
  [
    `file=${qemuValue(path)},format=${format},if=none,id=${serial},cache=unsafe`,
    ...(readonly ? ['readonly=on'] : []),
  ].join(','),
  '-device',
  `virtio-blk-pci,drive=${serial},serial=${serial}`,
];

/** The host with memory for its guests, a second processor, and a network to be reached by. */
const withRoom = (host: GoldenImage, guestMemory: number): GoldenImage => ({
  ...host,
  machine: {
    ...host.machine,
    memory: host.machine.memory + guestMemory,
    vcpus: Math.max(2, host.machine.vcpus),
    nics: host.machine.nics.length > 0 ? host.machine.nics : [{}],
  },
});
