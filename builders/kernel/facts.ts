/**
 * What a kernel and its initrd can do, read from the files themselves: so that a backend can say
 * before anything boots whether its hypervisor could start them.
 */
import { openSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Toolbox } from '../toolbox.ts';
import { FileBytes, inMemory } from './bytes.ts';
import type { Bytes } from './bytes.ts';
import { decompress } from './compression.ts';
import { kernelPayload } from './bzimage.ts';
import { driversIn } from './initrd.ts';
import { xenEntries } from './xen-notes.ts';
import type { XenEntry } from './xen-notes.ts';

export interface KernelFacts {
  /** Of the kernel inside the bzImage: `xz`, `zstd`, `gzip`, …; `none` for a plain ELF file. */
  readonly compression: string;
  /** How Xen can start it, by its ELF notes; absent where they could not be read. */
  readonly xen?: readonly XenEntry[];
  /** `CONFIG_…` of what concerns virtual machines; absent where the package has no such file. */
  readonly config?: Readonly<Record<string, string>>;
  /** Names of the modules in the initrd, with `_` for `-`; absent where it could not be read. */
  readonly drivers?: readonly string[];
}

/** Options that a backend may ask after; the whole configuration would fill the manifest. */
const TELLING =
  /^CONFIG_(\w*XEN\w*|VIRTIO\w*|SCSI_VIRTIO|PARAVIRT|PVH|HYPERVISOR_GUEST|KVM_GUEST|HYPERV\w*|VMWARE\w*|VMXNET3|E1000E?|BLK_DEV_NVME|ATA_PIIX|SATA_AHCI|EXT4_FS|XFS_FS|SQUASHFS|EROFS_FS|OVERLAY_FS|SERIAL_8250_CONSOLE)$/;

/** Files are absolute paths; what cannot be read is left out, for this decides nothing alone. */
export async function readKernelFacts(
  files: { readonly image: string; readonly initrd: string; readonly config?: string },
  toolbox: Toolbox,
  signal: AbortSignal,
): Promise<KernelFacts> {
  const { compression, payload } = kernelPayload(await readFile(files.image));
  const plain = (form: string, input: Readable): Promise<Bytes | undefined> =>
    decompress(form, input, toolbox, signal);
  const kernel =
    compression === 'none'
      ? inMemory(payload)
      : await plain(compression, inMemory(payload).stream(0));
  const xen = kernel && xenEntries(kernel);
  kernel?.close();
  const initrd = new FileBytes(openSync(files.initrd, 'r'));
  const drivers = await driversIn(initrd, plain).finally(() => initrd.close());
  return {
    compression,
    ...(xen && { xen }),
    ...(files.config !== undefined && { config: tellingOptions(files.config) }),
    ...(drivers && { drivers }),
  };
}

function tellingOptions(path: string): Record<string, string> {
  const lines = readFileSync(path, 'utf8').split('\n');
  const pairs = lines.flatMap((line) => {
    const [, name = '', value = ''] = /^(\w+)=([ym])$/.exec(line) ?? [];
    return TELLING.test(name) ? [[name, value] as const] : [];
  });
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}
