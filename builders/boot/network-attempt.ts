/** One attempt to boot an image that comes by the network, from a head node in this process. */
import { rmSync } from 'node:fs';
import { task } from '../../vse/report.ts';
import type { Context } from '../../vse/report.ts';
import type { Accelerator, BootRequest, GoldenImage, PxeServer } from '../backend.ts';
import { qemuPlan } from '../backends/qemu-guest.ts';
import { partsOf, shimArguments } from '../netboot/arguments.ts';
import { SHIM_MEMORY } from '../netboot/glue.ts';
import type { HeadNode } from '../netboot/head-node.ts';
import { startHeadNode } from '../netboot/head-node.ts';
import { publish } from '../netboot/published.ts';
import { temporaryKey } from '../netboot/signify.ts';
import type { Attempt, BootTest } from './attempt.ts';
import { leashed, patience, runCommand } from './attempt.ts';
import { ConsoleLog } from './console-log.ts';
import type { DirectWay } from './login.ts';
import { freePort, guestLogin, makeKey } from './login.ts';
import { NetbootLog } from './netboot-log.ts';
import type { Sequence } from './netboot-sequence.ts';
import { blamed, emptyDisk } from './netboot-sequence.ts';
import { pxeServer } from './pxe.ts';
import { makeScratch } from './scratch.ts';
import type { Watched } from './watch.ts';
import { watchGuest } from './watch.ts';
import { nodeInXen } from './xen-netboot.ts';

/** The host, as guests of QEMU's user networking see it. */
const HOST = '10.0.2.2';
const MIB = 2 ** 20;

/** Boots once; head node, guests and disks are gone afterwards. */
export async function attemptByNetwork(
  test: BootTest,
  accelerator: Accelerator,
  spare: boolean,
): Promise<Attempt> {
  const { bundle, ctx, toolbox } = test;
  const scratch = makeScratch(ctx);
  let log: ConsoleLog | undefined;
  let head: HeadNode | undefined;
  try {
    log = new ConsoleLog(test.consoleLog, ctx.report);
    const key = temporaryKey();
    const bundles = [await publish(bundle)];
    const cluster = { name: 'vsec-boot', nodes: [] };
    const address = { host: '127.0.0.1', port: 0 };
    const { images } = test;
    const options = { bundles, cluster, key, ...address, ...(images !== undefined && { images }) };
    head = await startHeadNode(options, discreet(ctx));
    const steps = new NetbootLog();
    const sequence: Sequence = {
      ...{ test, accelerator, spare, scratch, steps },
      server: `http://${HOST}:${head.port}`,
      key: key.public,
      keep: (chunk) => {
        log?.write(chunk);
        steps.feed(chunk);
      },
    };
    if (test.firmware === 'xen') return await nodeInXen(sequence);
    const way =
      test.command === undefined
        ? undefined
        : { key: await makeKey(toolbox, scratch, ctx), port: await freePort(), toolbox };
    const watched = await nodeInQemu(sequence, way);
    try {
      return { watched, ...(await runCommand(test, watched, way)), steps: steps.steps };
    } finally {
      await watched.guest.stop();
    }
  } finally {
    await head?.close();
    rmSync(scratch, { recursive: true, force: true });
    log?.close();
  }
}

/** A head node's access log is for who asks for details; here nobody runs one. */
const discreet = (ctx: Context): Context => ({
  ...ctx,
  report: (event) => ctx.report(event.type === 'log' ? { ...event, level: 'debug' } : event),
});

async function nodeInQemu(sequence: Sequence, way: DirectWay | undefined): Promise<Watched> {
  const { test, steps } = sequence;
  const { image, backend } = test;
  const shim = shimGuest(sequence, 'ttyS0');
  if (backend.byNetwork === 'diskless') {
    const label = `Booting ${image.stem} without a disk`;
    const { server, scratch } = sequence;
    const pxe = await pxeServer(test.firmware, server, { ...test, scratch });
    const watched = await start(sequence, label, shim, {
      ...(way && { way }),
      ...(pxe && { pxe }),
    });
    return blamed(watched, steps);
  }
  const disk = await emptyDisk(sequence);
  const filled = await start(sequence, `Filling the disk of a node with ${image.stem}`, shim, {
    disk,
  });
  if (!steps.done) return blamed(filled, steps);
  const label = `Booting the node from the disk that was filled`;
  const node = await start(sequence, label, image, { disk, ...(way && { way }) });
  return { ...node, seconds: filled.seconds + node.seconds };
}

/** The shim as a guest: other initrd and arguments, and for installing no more memory than it needs. */
function shimGuest({ test, server, key }: Sequence, console: string): GoldenImage {
  const { image, backend } = test;
  const mode = backend.byNetwork ?? 'install';
  const nics = image.machine.nics.length > 0 ? image.machine.nics : [{}];
  const small = { memory: SHIM_MEMORY * MIB, vcpus: 1 };
  return {
    ...image,
    initrd: partsOf(image).initrd,
    cmdline: shimArguments(image, mode, { console, server, key }),
    machine: { ...image.machine, nics, ...(mode === 'install' && small) },
  };
}

interface Attachments {
  readonly disk?: string;
  readonly way?: DirectWay;
  readonly pxe?: PxeServer;
}

function start(
  { test, accelerator, spare, scratch, keep }: Sequence,
  label: string,
  image: GoldenImage,
  { disk, way, pxe }: Attachments,
): Promise<Watched> {
  const { bundle, toolbox, ctx } = test;
  const request: BootRequest = {
    ...{ bundle, scratch, accelerator, toolboxRoot: toolbox.root },
    firmware: pxe ? test.firmware : 'kernel',
    ...(pxe && { pxe }),
    ...(disk !== undefined && { disk }),
    ...(way && { login: guestLogin(way.key, way.port) }),
  };
  return task(ctx.report, 'boot', label, () =>
    watchGuest(
      leashed(toolbox, qemuPlan(image, request)),
      patience(test.timeout, accelerator, spare),
      ctx.report,
      ctx.signal,
      keep,
    ),
  );
}
