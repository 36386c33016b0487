/** One attempt to boot an image as a guest of Xen: in the dom0 of a host of our own. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import { task } from '../../vse/report.ts';
import { shell } from '../backends/quote.ts';
import { render } from '../templates.ts';
import type { Accelerator, Backend, GoldenImage } from '../backend.ts';
import type { Attempt, BootTest } from './attempt.ts';
import { runCommand } from './attempt.ts';
import { Console } from './console.ts';
import { ConsoleLog } from './console-log.ts';
import type { FileOnDisk } from './files-disk.ts';
import { overlay } from './image-under-test.ts';
import { linkLocalAddress, loginArguments } from './login.ts';
import type { Way } from './login.ts';
import { makeScratch } from './scratch.ts';
import type { XenHost } from './xen-host.ts';
import { XEN_DISK, XEN_FILES } from './xen-host.ts';

const CONFIG = 'guest.cfg';
const SCRIPT = 'boot.sh';
/** Where an emulated serial port writes to; para-virtual consoles are xenconsoled's. */
const SERIAL_LOG = '/var/log/xen/serial.log';
/** Milliseconds; the longest silence of a guest that came up was 18 s, with the host to itself. */
const SILENCE = 240_000;
/** From Xen's own range, for a guest that has to be found and was given none. */
const MAC = '00:16:3e:76:73:65';

/** Boots once; everything it makes is gone afterwards, but for the host of the venue. */
export async function attemptInXen(test: BootTest, accelerator: Accelerator): Promise<Attempt> {
  const { under, toolbox, ctx, venue } = test;
  if (!venue)
    throw failure('BOOT012', `guests of ${test.backend.name} need a Xen host, and none was given`, {
      hint: 'vsec boot builds one; a program that boots bundles has to name the bundle of one',
    });
  const scratch = makeScratch(ctx);
  let log: ConsoleLog | undefined;
  try {
    log = new ConsoleLog(test.consoleLog, ctx.report);
    const accepted = new Acceptance();
    const keep = (chunk: Buffer): void => {
      log?.write(chunk);
      accepted.feed(chunk);
    };
    const image = reachable(test.image);
    const { memory } = image.machine;
    const needs = { accelerator, guestMemory: memory, timeout: test.timeout, keep };
    const host = await venue.enter({ ...needs, processors: processorsFor(test.backend) }, ctx);
    if (!host.up) return withoutHost(host);
    const folder = join(scratch, 'guest');
    mkdirSync(folder);
    const job = {
      files: filesFor({ ...test, image }, host),
      disk: await overlay(under, image, toolbox, folder, ctx),
      script: SCRIPT,
      timeout: test.timeout,
      // What a BIOS reads of an emulated disk it reads in silence, for minutes.
      ...(test.backend.xenRole !== 'HVM' && { silence: SILENCE }),
      keep,
    };
    const watched = await task(ctx.report, 'xen-guest', 'Starting the guest in it', () =>
      host.run(job, ctx),
    );
    try {
      return {
        watched,
        hostSeconds: host.watched.seconds,
        ...(accepted.seen && { validatedBy: 'xl' }),
        ...(await runCommand(test, watched, wayInto(host, image))),
      };
    } finally {
      await watched.guest.stop();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    log?.close();
  }
}

/**
 * Processors of a host for guests of that kind: one, where their devices are emulated. A guest that
 * leaves for dom0 with each byte of theirs ends in a triple fault, anywhere, when QEMU emulates two
 * processors that virtualize at a time.
 */
export const processorsFor = ({ xenRole }: Backend): number => (xenRole === 'HVM' ? 1 : 2);

/** Whether boot.sh said that the dry run of `xl create` went well. */
class Acceptance {
  seen = false;
  private readonly console = new Console();

  feed(chunk: Buffer): void {
    this.seen ||= this.console.feed(chunk).includes('vsec-host: xl takes the configuration');
  }
}

export const withoutHost = ({ watched }: XenHost): Attempt => ({
  watched: { ...watched, ending: { kind: 'no-host', host: watched.ending } },
  diagnostics: [],
});

/** The machine on the host's one bridge, with a first network card whose MAC address is known. */
export const reachable = (image: GoldenImage): GoldenImage => {
  const [first = {}, ...others] = image.machine.nics;
  const nics = [{ mac: MAC, ...first }, ...others].map(({ mac }) =>
    mac === undefined ? {} : { mac },
  );
  return { ...image, machine: { ...image.machine, nics } };
};

/** Into a guest of `host` with the machine of `reachable`. */
export const wayInto = ({ way }: XenHost, { machine }: GoldenImage): Way => ({
  key: way.key,
  host: way,
  address: `${linkLocalAddress(machine.nics[0]?.mac ?? MAC)}%${BRIDGE}`,
  toolbox: way.toolbox,
});

/** Of the host, with all of its guests on it. */
const BRIDGE = 'xenbr0';

function filesFor(test: BootTest, { way }: XenHost): readonly FileOnDisk[] {
  const { backend, bundle, image, firmware } = test;
  const config = backend.xenGuest?.(image, {
    folder: XEN_FILES,
    disk: XEN_DISK,
    serialLog: SERIAL_LOG,
    firmware,
    arguments: test.command === undefined ? [] : loginArguments(way.key),
  });
  if (config === undefined) throw new Error(`${backend.name} has no guest of Xen`);
  const script = render('xen/boot.sh.hbs', shell, {
    name: image.name,
    config: CONFIG,
    serial: backend.xenRole === 'HVM' ? SERIAL_LOG : null,
  });
  const beside = firmware === 'kernel' ? [image.kernel, image.initrd] : [];
  return [
    { name: CONFIG, from: { text: config } },
    { name: SCRIPT, from: { text: script } },
    ...beside.flatMap((name) =>
      name === undefined ? [] : [{ name, from: { path: join(bundle, name) } }],
    ),
  ];
}
