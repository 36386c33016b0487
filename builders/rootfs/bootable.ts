/** What makes a tree start on any hypervisor: initrd, fstab, boot menu, first-boot services. */
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareVersions } from '../../vse/deb-version.ts';
import { failure } from '../../vse/diagnostic.ts';
import type { Inside } from '../sandbox/inside.ts';
import { grub, kernelCommandLine, shell } from '../backends/quote.ts';
import { render, templateText } from '../templates.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { FinishRecipe } from './recipe.ts';
import { dom0Arguments, hypervisorArguments, kernelArguments } from './recipe.ts';
import { hasSystemd } from './services.ts';
import { has, put } from './system.ts';
import { Tree } from './tree.ts';

/** Drivers of the disks, network cards and file systems of every hypervisor we emit glue for. */
export const GOLDEN_DRIVERS: readonly string[] = [
  ...['virtio_pci', 'virtio_mmio', 'virtio_blk', 'virtio_scsi', 'virtio_net', 'virtio_console'],
  ...['xen-blkfront', 'xen-netfront', 'xen-scsifront'],
  ...['vmw_pvscsi', 'vmxnet3', 'mptspi', 'mptsas', 'e1000', 'e1000e'],
  ...['hv_vmbus', 'hv_storvsc', 'hv_netvsc'],
  ...['ahci', 'ata_piix', 'ata_generic', 'nvme', 'sd_mod', 'sr_mod', 'sym53c8xx'],
  ...[
    'ext4',
    'xfs',
    'squashfs',
    'erofs',
    'overlay',
    'loop',
    'isofs',
    'vfat',
    'nls_ascii',
    'nls_cp437',
  ],
];

/** The kernel that the image boots. */
export interface Kernel {
  readonly release: string;
  /** Paths below the root. */
  readonly image: string;
  readonly initrd: string;
}

/** Finds the one kernel of the tree; `undefined` when the VSE has none. */
export function findKernel(root: string, recipe: FinishRecipe): Kernel | undefined {
  const releases = new Tree(root)
    .list('boot')
    .filter((name) => name.startsWith('vmlinuz-'))
    .map((name) => name.slice('vmlinuz-'.length))
    .sort(compareVersions);
  const release = releases.at(-1);
  if (release === undefined) {
    if (recipe.kernelPackage)
      throw failure('BUILD170', `package ${recipe.kernelPackage} put no kernel into /boot`, {
        notes: [{ message: 'option kernel.package' }],
        hint: 'name a kernel image package such as linux-image-amd64',
      });
    return undefined;
  }
  return { release, image: `boot/vmlinuz-${release}`, initrd: `boot/initrd.img-${release}` };
}

function writeInitrdConfiguration(root: string, recipe: FinishRecipe): void {
  put(
    root,
    'etc/initramfs-tools/conf.d/vse',
    '# A golden image starts on hardware it has never seen: a fixed list, not what is here now.\nMODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=3\nRESUME=none\n',
  );
  const modules = [...GOLDEN_DRIVERS, ...recipe.initrdModules];
  put(
    root,
    'etc/initramfs-tools/hooks/vse-drivers',
    render('guest/initrd-hook.sh.hbs', shell, { modules }),
    0o755,
  );
}

/** Makes the initrd with the distribution's own generator, so that updates in the guest do too. */
export async function makeInitrd(
  inside: Inside,
  kernel: Kernel,
  recipe: FinishRecipe,
): Promise<void> {
  if (!has(inside.root, 'usr/sbin/update-initramfs'))
    throw failure('BUILD171', 'the image has a kernel but nothing that makes its initrd', {
      hint: 'add the package initramfs-tools, or extend a base that has it',
    });
  writeInitrdConfiguration(inside.root, recipe);
  await mustRunInside(inside, `making the initrd of ${kernel.release}`, [
    '/usr/sbin/update-initramfs',
    '-c',
    '-k',
    kernel.release,
  ]);
}

export async function mustRunInside(
  inside: Inside,
  what: string,
  argv: readonly string[],
  input?: string,
): Promise<void> {
  const result = await inside.run(argv, input === undefined ? {} : { input });
  if (result.code !== 0)
    throw failure('BUILD130', `${what} failed (exit code ${result.code})`, {
      notes: result.tail
        .split('\n')
        .filter((line) => line.trim() !== '')
        .slice(-20)
        .map((message) => ({ message })),
    });
}

const linkOr = (root: string, link: string, path: string): string =>
  new Tree(root).stat(link)?.isSymbolicLink() ? `/${link}` : `/${path}`;

/** Writes fstab and boot menu; with a hypervisor, plain Linux stays in the menu as a fallback. */
export function writeBootConfiguration(
  root: string,
  kernel: Kernel,
  recipe: FinishRecipe,
  hypervisor?: Hypervisor,
): void {
  put(
    root,
    'etc/fstab',
    `LABEL=${recipe.rootLabel} / ${recipe.filesystem} defaults,errors=remount-ro 0 1\n`,
  );
  put(
    root,
    'boot/grub/grub.cfg',
    render('guest/grub.cfg.hbs', grub, {
      title: `${menuName(recipe)}${hypervisor ? ' without Xen' : ''}`,
      label: recipe.rootLabel,
      kernel: linkOr(root, 'vmlinuz', kernel.image),
      initrd: linkOr(root, 'initrd.img', kernel.initrd),
      arguments: words(kernelArguments(recipe)),
      hypervisor: hypervisor ? hypervisorEntry(hypervisor, recipe) : null,
    }),
  );
}

const menuName = ({ name, version, kernelLabel }: FinishRecipe): string =>
  kernelLabel ?? `${name} ${version}`;

const words = (args: readonly string[]): readonly string[] =>
  args.map((argument) => kernelCommandLine([argument]));

const hypervisorEntry = (hypervisor: Hypervisor, recipe: FinishRecipe) => ({
  title: `${menuName(recipe)}, with Xen ${hypervisor.release}`,
  multiboot2: hypervisor.protocol === 'multiboot2',
  image: `/${hypervisor.image}`,
  arguments: words(recipe.hypervisor ? hypervisorArguments(recipe.hypervisor) : []),
  dom0: words(dom0Arguments(kernelArguments(recipe))),
});

const UNITS = ['vsec-grow-root', 'vsec-ssh-keys', 'vsec-report'] as const;

/** Services that a golden image needs at boot: growing, host keys, the report on the console. */
export async function addGuestServices(inside: Inside): Promise<void> {
  const { root } = inside;
  if (!hasSystemd(root)) return;
  for (const [script, template] of [
    ['grow-root', 'guest/grow-root.sh'],
    ['report', 'guest/report.sh'],
  ] as const)
    put(root, `usr/lib/vsec/${script}`, templateText(template), 0o755);
  for (const unit of UNITS)
    put(root, `etc/systemd/system/${unit}.service`, templateText(`guest/${unit}.service`));
  const enabled = [...UNITS.map((unit) => `${unit}.service`)];
  if (has(root, 'lib/systemd/system/systemd-networkd.service'))
    enabled.push('systemd-networkd.service');
  if (has(root, 'lib/systemd/system/systemd-resolved.service'))
    enabled.push('systemd-resolved.service');
  await mustRunInside(inside, "enabling the golden image's services", [
    '/usr/bin/systemctl',
    '--quiet',
    'enable',
    ...enabled,
  ]);
}

/** Copies kernel and initrd out of the tree, and the kernel's configuration where it has one. */
export function exportKernel(root: string, kernel: Kernel, to: string): void {
  const tree = new Tree(root);
  const config = tree.find(`boot/config-${kernel.release}`);
  if (config !== undefined) copyFileSync(tree.host(config), join(to, 'kernel-config'));
  for (const [from, name] of [
    [kernel.image, 'vmlinuz'],
    [kernel.initrd, 'initrd'],
  ] as const) {
    const real = tree.find(from);
    if (real === undefined)
      throw failure('BUILD171', `/${from} is not in the image, though its kernel is installed`, {
        hint: 'does a script of the environment remove it?',
      });
    copyFileSync(tree.host(real), join(to, name));
    chmodSync(join(to, name), 0o644);
  }
}
