/** The netboot sequence on real Xen: a dom0 of our own creates the shim's guest, then the node. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import { shell } from '../backends/quote.ts';
import { netbootConfig, nodeConfig } from '../netboot/glue.ts';
import { render } from '../templates.ts';
import type { Attempt } from './attempt.ts';
import { blamed, emptyDisk } from './netboot-sequence.ts';
import type { Sequence } from './netboot-sequence.ts';
import { bootInXenHost, XEN_FILES } from './xen-host.ts';

const SCRIPT = 'netboot.sh';
const DISK = 'vsec-node';

/** Boots once; the guests and their host are gone afterwards. */
export async function nodeInXen(sequence: Sequence): Promise<Attempt> {
  const { test, accelerator, server, key, steps, keep } = sequence;
  const { image, bundle, toolbox, ctx } = test;
  if (!test.xenHost)
    throw failure('BOOT012', 'a netboot on Xen needs a Xen host, and there is none');
  const places = { server, key, folder: XEN_FILES, disk: `/dev/disk/by-id/virtio-${DISK}` };
  const names = [image.kernel, image.initrd, image.netboot?.initrd];
  // The host makes an overlay and keys of its own in its scratch.
  const scratch = join(sequence.scratch, 'host');
  mkdirSync(scratch);
  const run = await bootInXenHost(
    {
      host: test.xenHost,
      accelerator,
      guestMemory: image.machine.memory,
      files: [
        { name: 'netboot.cfg', from: { text: netbootConfig(image, places) } },
        { name: 'node.cfg', from: { text: nodeConfig(image, places) } },
        {
          name: SCRIPT,
          from: {
            text: render('netboot/dom0.sh.hbs', shell, {
              shim: `${image.name}-netboot`,
              node: image.name,
            }),
          },
        },
        ...names.flatMap((name) =>
          name === undefined ? [] : [{ name, from: { path: join(bundle, name) } }],
        ),
      ],
      disks: [{ serial: DISK, path: await emptyDisk(sequence), format: 'qcow2' }],
      script: SCRIPT,
      timeout: test.timeout,
      scratch,
      keep,
    },
    toolbox,
    ctx,
  );
  const { host, guest } = run;
  if (guest) return { watched: blamed(guest, steps), hostSeconds: host.seconds, diagnostics: [] };
  return {
    watched: { ...host, ending: { kind: 'no-host', host: host.ending } },
    diagnostics: [],
  };
}
