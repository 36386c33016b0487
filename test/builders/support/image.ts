/** An image to write glue for. */
import type { Backend, GoldenImage } from '../../../builders/backend.ts';

const MIB = 2 ** 20;

const netboot = (stem: string): NonNullable<GoldenImage['netboot']> => ({
  initrd: `${stem}.netboot.initrd`,
  streams: {
    'tar.zst': { file: `${stem}.tar.zst`, sha256: '1'.repeat(64), size: 123456789 },
    squashfs: { file: `${stem}.squashfs`, sha256: '2'.repeat(64), size: 98765432 },
  },
  rootLabel: 'vse-root',
  rootUuid: '00000000-0000-8000-8000-000000000001',
});

export const IMAGE: GoldenImage = {
  name: 'cfd',
  version: '2.1.0',
  architecture: 'amd64',
  stem: 'cfd_2.1.0_amd64',
  disks: {
    qcow2: 'cfd_2.1.0_amd64.qcow2',
    raw: 'cfd_2.1.0_amd64.raw',
    vmdk: 'cfd_2.1.0_amd64.vmdk',
  },
  kernel: 'cfd_2.1.0_amd64.vmlinuz',
  initrd: 'cfd_2.1.0_amd64.initrd',
  cmdline: ['root=LABEL=vse-root', 'ro', 'console=hvc0', 'console=ttyS0', 'mitigations=off'],
  netboot: netboot('cfd_2.1.0_amd64'),
  rootfsDigest: `sha256:${'0'.repeat(64)}`,
  machine: {
    memory: 1024 * MIB,
    vcpus: 2,
    disk: 8192 * MIB,
    nics: [{ mac: '00:50:56:00:00:01' }, { bridge: 'br0' }],
  },
  diskSize: 6144 * MIB,
};

/** As `IMAGE`, with the machine's values replaced. */
export const withMachine = (machine: Partial<GoldenImage['machine']>): GoldenImage => ({
  ...IMAGE,
  machine: { ...IMAGE.machine, ...machine },
});

/** As `IMAGE`, with all its files named after `stem`, whatever is in it. */
export const named = (stem: string): GoldenImage => ({
  ...IMAGE,
  name: stem,
  stem,
  disks: { qcow2: `${stem}.qcow2`, raw: `${stem}.raw`, vmdk: `${stem}.vmdk` },
  kernel: `${stem}.vmlinuz`,
  initrd: `${stem}.initrd`,
  netboot: netboot(stem),
});

/** Names that no file may have, or that some format cannot hold. */
export const REFUSED_NAMES: readonly string[] = [
  '',
  '.',
  '..',
  '../../etc/passwd',
  'a/b',
  '/etc/passwd',
  '-drive',
  '.hidden',
  'two\nlines',
  'two\r\nlines',
  'tab\there',
  'nul\0byte',
  'bell\u0007',
  'next\u0085line',
  'line\u2028separator',
];

/** Names that are a trap for one format or another, and can all be written. */
export const HOSTILE_NAMES: readonly string[] = [
  `it's`,
  `say "hi"`,
  '$(touch pwned)',
  '`touch pwned`',
  '${IFS}; touch pwned #',
  'a && touch pwned',
  ']]><evil>',
  'x--><evil><!--',
  '&amp;<b attribute="x">',
  'back\\slash',
  'comma,readonly=off',
  'a*b?c[d]',
  'Ünïcode ✓',
  ' leading and trailing ',
  `'; touch pwned; '`,
];

/** As `IMAGE`, with files whose names have nothing to do with its own. */
export const withFiles = (name: string): GoldenImage => ({
  ...IMAGE,
  disks: { qcow2: `${name}.qcow2`, raw: `${name}.raw`, vmdk: `${name}.vmdk` },
  kernel: `${name}.vmlinuz`,
  initrd: `${name}.initrd`,
  netboot: netboot(name),
});

/** As `IMAGE`, of a host whose hypervisor gets this argument, too. */
export const withHypervisorArgument = (argument: string): GoldenImage => ({
  ...IMAGE,
  hypervisor: { ...hypervisorOf(IMAGE), cmdline: ['console=com1', argument] },
});

const hypervisorOf = (image: GoldenImage): NonNullable<GoldenImage['hypervisor']> => ({
  image: `${image.stem}.xen.gz`,
  efi: `${image.stem}.xen.efi`,
  cmdline: ['console=com1,vga', 'com1=115200,8n1', 'dom0_mem=512M,max:512M'],
  dom0: [...image.cmdline.filter((arg) => !arg.startsWith('console=')), 'console=hvc0'],
});

/** `image` as this backend needs it: for hosts with a hypervisor. */
export const subject = (backend: Backend, image: GoldenImage = IMAGE): GoldenImage =>
  backend.xenRole !== 'dom0' || image.hypervisor
    ? image
    : { ...image, hypervisor: hypervisorOf(image) };

/** Whether the backend's formats can hold a name that others can. */
export const canName = (backend: Backend, name: string): boolean =>
  (!backend.shim || /^[\w.+~-]+$/.test(name)) &&
  (backend.name !== 'xen-host' || /^[\x21-\x7e]+$/.test(name.replaceAll('#', ' ')));
