/**
 * A Xen host of our own, in QEMU, as a place to start guests of Xen in: QEMU → GRUB → Xen → dom0 →
 * scripts of the caller's, one after the other. Nothing of it is stored anywhere: the host's disk
 * is an overlay.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../vse/report.ts';
import { task } from '../../vse/report.ts';
import type { Accelerator, GoldenImage } from '../backend.ts';
import { disk } from '../backends/machine.ts';
import { qemuPlan, TCG_CPU } from '../backends/qemu-guest.ts';
import { qemuValue, shell } from '../backends/quote.ts';
import { goldenImage, readManifest } from '../manifest.ts';
import { lastLines } from '../sandbox/programs.ts';
import { render } from '../templates.ts';
import type { Toolbox } from '../toolbox.ts';
import { leashed } from './attempt.ts';
import { writeFilesDisk } from './files-disk.ts';
import type { FileOnDisk } from './files-disk.ts';
import type { ProcessCommand } from './guest-process.ts';
import { overlay } from './image-under-test.ts';
import {
  askShell,
  awaitServer,
  freePort,
  guestLogin,
  makeKey,
  SSH_FAILED,
  sshCommand,
} from './login.ts';
import type { DirectWay } from './login.ts';
import { Monitor } from './qmp.ts';
import type { Watched } from './watch.ts';
import { watchGuest } from './watch.ts';

export interface XenHostSettings {
  /** Absolute path of the bundle of the host. */
  readonly bundle: string;
  readonly accelerator: Accelerator;
  /** Bytes that a guest needs, besides what the host itself has. */
  readonly guestMemory: number;
  /** Of the host. */
  readonly processors: number;
  /** Milliseconds. */
  readonly timeout: number;
  /** A folder that lives as long as the host, for overlays and keys. */
  readonly scratch: string;
  /** Gets the host's console until it is up. */
  readonly keep?: (chunk: Buffer) => void;
}

/** What happens in dom0 for one guest, or for several that follow upon each other. */
export interface XenJob {
  /** What is in dom0's folder `XEN_FILES`. */
  readonly files: readonly FileOnDisk[];
  /** Absolute path of a qcow2 disk that may be written, for the guest; dom0 has it as `XEN_DISK`. */
  readonly disk?: string;
  /** Of these files: the shell script that root runs there. What it prints is the console. */
  readonly script: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** Milliseconds between two outputs; not limited when absent. */
  readonly silence?: number;
  readonly keep?: (chunk: Buffer) => void;
}

/** Where the files of a job are in dom0, and the disk of its guest. */
export const XEN_FILES = '/var/tmp/vsec';
export const XEN_DISK = `${XEN_FILES}.disk`;

/**
 * The cheapest processor on which Xen starts, with a virtualization of its own for PVH and HVM,
 * which TCG then emulates, too: slowly. To PV it makes no difference.
 */
const CPU = `${TCG_CPU},+svm,+npt`;

/** Milliseconds until a console may say its first word. */
const FIRST_OUTPUT = 120_000;
const AFTER_TROUBLE = 3000;
/** Lines of a host that is gone. */
const LAST_WORDS = 3;
/** Milliseconds until dom0, which is up, must let us in. */
const FIRST_LOGIN = 180_000;

/** What dom0 is asked of guests that nothing is heard of: do their processors run, and what does Xen say? */
const STATE =
  'xl vcpu-list; xl dmesg | tail -n 3; tail -qn 1 /var/log/xen/console/guest-*.log 2>/dev/null';

const patience = (total: number) => ({
  total,
  firstOutput: Math.min(total, FIRST_OUTPUT),
  afterTrouble: AFTER_TROUBLE,
});

export class XenHost {
  /** How it came up, or did not. */
  readonly watched: Watched;
  /** Into dom0. */
  readonly way: DirectWay;
  private readonly settings: XenHostSettings;
  private readonly toolbox: Toolbox;
  private monitor: Monitor | undefined;
  private plugged: readonly string[] = [];
  private jobs = 0;

  private constructor(
    watched: Watched,
    way: DirectWay,
    settings: XenHostSettings,
    monitor: Monitor | undefined,
  ) {
    this.watched = watched;
    this.way = way;
    this.toolbox = way.toolbox;
    this.settings = settings;
    this.monitor = monitor;
  }

  /**
   * Starts the host. One that does not come up, or not as a host, is a result, and is gone; BOOT040
   * is thrown when dom0 lets nobody in.
   */
  static async start(settings: XenHostSettings, toolbox: Toolbox, ctx: Context): Promise<XenHost> {
    const { scratch } = settings;
    const key = await makeKey(toolbox, scratch, ctx);
    const way = { key, port: await freePort(), toolbox };
    const socket = join(scratch, 'qmp');
    const command = await hostCommand(settings, way, socket, ctx);
    let starting = true;
    const watched = await task(ctx.report, 'xen-host', 'Starting a Xen host', () =>
      watchGuest(command, patience(settings.timeout), ctx.report, ctx.signal, (chunk) => {
        if (starting) settings.keep?.(chunk);
      }),
    );
    starting = false;
    try {
      if (!isDom0(watched)) {
        await watched.guest.stop();
        return new XenHost(watched, way, settings, undefined);
      }
      await awaitServer(way, ctx.signal, FIRST_LOGIN);
      return new XenHost(watched, way, settings, await Monitor.connect(socket));
    } catch (problem) {
      await watched.guest.stop();
      throw problem;
    }
  }

  /** Whether jobs can be run in it. */
  get up(): boolean {
    return this.monitor !== undefined;
  }

  /**
   * Runs a script in dom0 and watches what it prints for a guest's report. Guests of earlier jobs
   * are gone by then. The caller stops `guest` of the result, and with it the script.
   */
  async run(job: XenJob, ctx: Context): Promise<Watched> {
    await this.plug(job);
    const start = render('xen/start.sh.hbs', shell, {
      folder: XEN_FILES,
      files: byId(`files-${this.jobs}`),
      disk: job.disk === undefined ? null : byId(`guest-${this.jobs}`),
      link: XEN_DISK,
      script: job.script,
    });
    const watched = await watchGuest(
      sshCommand(start, this.way),
      { ...patience(job.timeout), ...(job.silence !== undefined && { output: job.silence }) },
      ctx.report,
      ctx.signal,
      job.keep,
    );
    return this.seen(await lostWith(this.watched, watched), ctx.signal);
  }

  /**
   * With what dom0 shows of a guest that nothing is heard of. A host that hangs is first noticed by
   * ssh, which then ends as it does for any broken connection.
   */
  private async seen(watched: Watched, signal: AbortSignal): Promise<Watched> {
    const { ending } = watched;
    const ask = () => askShell(STATE, this.way, signal);
    if (ending.kind === 'silent' || ending.kind === 'timeout')
      return { ...watched, ending: { ...ending, seen: await ask() } };
    if (ending.kind !== 'exited' || ending.end.code !== SSH_FAILED) return watched;
    const seen = await ask();
    return seen.length > 0
      ? watched
      : { ...watched, ending: { kind: 'silent', spoke: true, seen } };
  }

  /** Ends the host and all that is in it. */
  async stop(): Promise<void> {
    this.monitor?.close();
    this.monitor = undefined;
    await this.watched.guest.stop();
  }

  /** Puts the disks of a job into the running host, in the place of the last job's. */
  private async plug(job: XenJob): Promise<void> {
    const { monitor, settings } = this;
    if (!monitor) throw new Error('a Xen host that is not up');
    for (const id of this.plugged) await monitor.execute('device_del', { id });
    this.jobs++;
    const files = join(settings.scratch, `files-${this.jobs}.tar`);
    await writeFilesDisk(files, job.files);
    const disks = [
      { id: `files-${this.jobs}`, driver: 'raw', path: files, readonly: true },
      ...(job.disk === undefined
        ? []
        : [{ id: `guest-${this.jobs}`, driver: 'qcow2', path: job.disk, readonly: false }]),
    ];
    for (const { id, driver, path, readonly } of disks) {
      await monitor.execute('blockdev-add', {
        driver,
        'node-name': id,
        'read-only': readonly,
        // Whatever is written is thrown away: it need not get as far as the disk.
        cache: { 'no-flush': true },
        file: { driver: 'file', filename: path },
      });
      await monitor.execute('device_add', { driver: 'scsi-hd', id, drive: id, serial: id });
    }
    this.plugged = disks.map(({ id }) => id);
  }
}

/** `guest` as it ended; where its host ended with it, that is why. */
export async function lostWith(host: Watched, guest: Watched): Promise<Watched> {
  if (guest.ending.kind !== 'exited') return guest;
  const end = await host.guest.endedWithin(AFTER_TROUBLE);
  if (!end) return guest;
  const last = [...host.console.tail(LAST_WORDS), ...lastLines(host.guest.stderr, LAST_WORDS)];
  return { ...guest, ending: { kind: 'host-lost', host: { end, last } } };
}

const isDom0 = ({ ending }: Watched): boolean =>
  ending.kind === 'up' && ending.report.xenRole === 'dom0';

/** What udev calls a disk of QEMU's SCSI controller. */
const byId = (serial: string): string => `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${serial}`;

async function hostCommand(
  settings: XenHostSettings,
  { key, port, toolbox }: DirectWay,
  socket: string,
  ctx: Context,
): Promise<ProcessCommand> {
  const { scratch, accelerator, bundle } = settings;
  const image = withRoom(goldenImage(await readManifest(bundle)), settings);
  const { file, format } = disk(image, ['qcow2', 'raw']);
  const folder = join(scratch, 'host');
  mkdirSync(folder);
  const under = { path: join(bundle, file), file, format, sha256: '' };
  const plan = qemuPlan(image, {
    ...{ bundle, scratch: folder, accelerator, toolboxRoot: toolbox.root },
    login: guestLogin(key, port),
    firmware: 'bios',
    disk: await overlay(under, image, toolbox, folder, ctx),
  });
  const args = [
    ...plan.args,
    // What comes last counts.
    ...(accelerator === 'tcg' ? ['-cpu', CPU] : []),
    // Its disks come and go while the host runs.
    ...['-device', 'virtio-scsi-pci'],
    ...['-qmp', `unix:${qemuValue(socket)},server=on,wait=off`],
  ];
  return leashed(toolbox, { ...plan, args });
}

/** The host with memory for its guests, and a network to be reached by. */
const withRoom = (
  host: GoldenImage,
  { guestMemory, processors }: XenHostSettings,
): GoldenImage => ({
  ...host,
  machine: {
    ...host.machine,
    memory: host.machine.memory + guestMemory,
    vcpus: processors,
    nics: host.machine.nics.length > 0 ? host.machine.nics : [{}],
  },
});
