/** One attempt to boot an image as a guest of Xen: in the dom0 of a host of our own. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import { shell } from '../backends/quote.ts';
import { render } from '../templates.ts';
import type { Accelerator } from '../backend.ts';
import type { Attempt, BootTest } from './attempt.ts';
import { ConsoleLog } from './console-log.ts';
import type { FileOnDisk } from './files-disk.ts';
import { overlay } from './image-under-test.ts';
import { makeScratch } from './scratch.ts';
import { bootInXenHost, XEN_FILES } from './xen-host.ts';

const CONFIG = 'guest.cfg';
const SCRIPT = 'boot.sh';
const DISK = 'vsec-guest';
/** Where an emulated serial port writes to; para-virtual consoles are xenconsoled's. */
const SERIAL_LOG = '/var/log/xen/serial.log';

/** Boots once; everything it makes is gone afterwards. */
export async function attemptInXen(test: BootTest, accelerator: Accelerator): Promise<Attempt> {
  const { backend, image, under, toolbox, ctx } = test;
  if (!test.xenHost)
    throw failure('BOOT012', `guests of ${backend.name} need a Xen host, and none was given`, {
      hint: 'vsec boot builds one; a program that boots bundles has to name the bundle of one',
    });
  const scratch = makeScratch(ctx);
  let log: ConsoleLog | undefined;
  try {
    log = new ConsoleLog(test.consoleLog, ctx.report);
    const folder = join(scratch, 'guest');
    mkdirSync(folder);
    const run = await bootInXenHost(
      {
        host: test.xenHost,
        accelerator,
        guestMemory: image.machine.memory,
        hardware: backend.xenRole !== 'PV',
        files: filesFor(test),
        disks: [
          {
            serial: DISK,
            path: await overlay(under, image, toolbox, folder, ctx),
            format: 'qcow2',
          },
        ],
        script: SCRIPT,
        timeout: test.timeout,
        scratch,
        keep: (chunk) => log?.write(chunk),
      },
      toolbox,
      ctx,
    );
    if (run.guest) return { watched: run.guest, hostSeconds: run.host.seconds, diagnostics: [] };
    const { host } = run;
    return {
      watched: { ...host, ending: { kind: 'no-host', host: host.ending } },
      diagnostics: [],
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    log?.close();
  }
}

function filesFor({ backend, bundle, image, firmware }: BootTest): readonly FileOnDisk[] {
  const config = backend.xenGuest?.(image, {
    folder: XEN_FILES,
    disk: `/dev/disk/by-id/virtio-${DISK}`,
    serialLog: SERIAL_LOG,
    firmware,
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
