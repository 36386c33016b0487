/**
 * Nodes that come by the network on real Xen, in a dom0 of our own: it creates the shim's guest, and
 * then the node from the disk that was filled; or the one guest of a node that has no disk.
 */
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import { task } from '../../vse/report.ts';
import type { GoldenImage } from '../backend.ts';
import { shell } from '../backends/quote.ts';
import { disklessConfig, netbootConfig, nodeConfig } from '../netboot/glue.ts';
import { render } from '../templates.ts';
import type { Attempt } from './attempt.ts';
import { runCommand } from './attempt.ts';
import type { FileOnDisk } from './files-disk.ts';
import { loginArguments } from './login.ts';
import { blamed, emptyDisk } from './netboot-sequence.ts';
import type { Sequence } from './netboot-sequence.ts';
import { processorsFor, reachable, wayInto, withoutHost } from './xen-attempt.ts';
import type { XenHost } from './xen-host.ts';
import { XEN_DISK, XEN_FILES } from './xen-host.ts';

const SCRIPT = 'netboot.sh';

/** Boots once; the guests are gone afterwards, and the host is the venue's. */
export async function nodeInXen(sequence: Sequence): Promise<Attempt> {
  const { test, accelerator, steps, keep } = sequence;
  const { ctx, venue, timeout, backend } = test;
  if (!venue) throw failure('BOOT012', 'a netboot on Xen needs a Xen host, and there is none');
  const image = reachable(test.image);
  const needs = { accelerator, guestMemory: image.machine.memory, timeout, keep };
  const host = await venue.enter({ ...needs, processors: processorsFor(backend) }, ctx);
  if (!host.up) return withoutHost(host);
  const install = backend.byNetwork === 'install';
  const job = {
    ...{ script: SCRIPT, timeout, keep },
    files: [...textsFor(sequence, image, host), ...binaries(sequence, image)],
    ...(install && { disk: await emptyDisk(sequence) }),
  };
  const label = install ? "Filling a node's disk and starting it" : 'Starting a node without disk';
  const watched = await task(ctx.report, 'xen-guest', label, () => host.run(job, ctx));
  try {
    return {
      watched: blamed(watched, steps),
      hostSeconds: host.watched.seconds,
      steps: steps.steps,
      ...(await runCommand(test, watched, wayInto(host, image))),
    };
  } finally {
    await watched.guest.stop();
  }
}

function textsFor(
  { test, server, key }: Sequence,
  image: GoldenImage,
  host: XenHost,
): readonly FileOnDisk[] {
  const more = test.command === undefined ? [] : loginArguments(host.way.key);
  const places = { server, key, folder: XEN_FILES, disk: XEN_DISK, arguments: more };
  const text = (name: string, content: string): FileOnDisk => ({ name, from: { text: content } });
  const script = (shim: string | null): FileOnDisk =>
    text(SCRIPT, render('netboot/dom0.sh.hbs', shell, { shim, node: image.name }));
  if (test.backend.byNetwork === 'diskless')
    return [text('node.cfg', disklessConfig(image, places)), script(null)];
  return [
    text('netboot.cfg', netbootConfig(image, places)),
    text('node.cfg', nodeConfig(image, places)),
    script(`${image.name}-netboot`),
  ];
}

const binaries = ({ test }: Sequence, image: GoldenImage): readonly FileOnDisk[] =>
  [image.kernel, image.initrd, image.netboot?.initrd].flatMap((name) =>
    name === undefined ? [] : [{ name, from: { path: join(test.bundle, name) } }],
  );
