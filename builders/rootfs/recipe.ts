/** What the last steps of an assembly need, as one serialisable value. */
import type {
  FileConfig,
  GroupConfig,
  HypervisorConfig,
  InterfaceConfig,
  KernelConfig,
  ServiceState,
  UserConfig,
  Vse,
} from '../../vse/types.ts';
import type { OwnKernel } from './own-kernel.ts';

export interface FinishRecipe {
  readonly name: string;
  readonly version: string;
  /** Label of the root file system; at most 16 bytes (ext4). */
  readonly rootLabel: string;
  readonly filesystem: string;
  /** Kernel arguments of the VSE's own, without root and consoles. */
  readonly cmdline: Readonly<Record<string, string | true>>;
  /** Name of the kernel package, when the image has a kernel. */
  readonly kernelPackage?: string;
  /** A kernel of the environment's own, instead of a package's. */
  readonly ownKernel?: OwnKernel;
  /** The kernel's name in boot menus, instead of the environment's. */
  readonly kernelLabel?: string;
  /** Present when the image carries a hypervisor. */
  readonly hypervisor?: HypervisorConfig;
  readonly initrdModules: readonly string[];
  readonly hostname?: string;
  readonly timezone?: string;
  readonly locale?: string;
  readonly keymap?: string;
  readonly network: Readonly<Record<string, InterfaceConfig>>;
  readonly users: Readonly<Record<string, UserConfig>>;
  readonly groups: Readonly<Record<string, GroupConfig>>;
  readonly files: Readonly<Record<string, FileConfig>>;
  readonly services: Readonly<Record<string, ServiceState>>;
  readonly scripts: Readonly<Record<string, { readonly run: string }>>;
}

/**
 * Takes from a VSE what can change the file tree. The label follows from the tree's own
 * description, so two different images on one machine are told apart by it.
 */
export function finishRecipe(vse: Vse): FinishRecipe {
  const { config } = vse;
  return {
    name: vse.name,
    version: vse.version,
    rootLabel: `vse-${vse.treeDigest.replace(/^sha256:/, '').slice(0, 8)}`,
    filesystem: config.image.filesystem,
    cmdline: config.kernel.cmdline,
    ...(config.kernel.package && { kernelPackage: config.kernel.package }),
    ...(config.kernel.image && { ownKernel: ownKernel(config.kernel.image, config.kernel) }),
    ...(config.kernel.label && { kernelLabel: config.kernel.label }),
    ...(config.hypervisor && { hypervisor: config.hypervisor }),
    initrdModules: config.initrd.modules,
    ...(config.hostname && { hostname: config.hostname }),
    ...(config.timezone && { timezone: config.timezone }),
    ...(config.locale && { locale: config.locale }),
    ...(config.keymap && { keymap: config.keymap }),
    network: config.network,
    users: config.users,
    groups: config.groups,
    files: config.files,
    services: config.services,
    scripts: config.scripts,
  };
}

const ownKernel = (image: string, { modules, initrd }: KernelConfig): OwnKernel => ({
  image,
  ...(modules !== undefined && { modules }),
  ...(initrd !== undefined && { initrd }),
});

/** Kernel arguments for booting from the image's own disk, on whatever console there is. */
export function kernelArguments(recipe: {
  readonly rootLabel: string;
  readonly cmdline: Readonly<Record<string, string | true>>;
}): readonly string[] {
  return [
    `root=LABEL=${recipe.rootLabel}`,
    'ro',
    // The last console that exists becomes /dev/console; each of the others gets the messages.
    'console=tty0',
    'console=hvc0',
    'console=ttyS0,115200',
    ...Object.entries(recipe.cmdline).map(([key, value]) =>
      value === true ? key : `${key}=${value}`,
    ),
  ];
}

/** Kernel arguments of dom0: Xen keeps the serial port and gives it a console of its own. */
export const dom0Arguments = (kernelCmdline: readonly string[]): readonly string[] => [
  ...kernelCmdline.filter((argument) => !/^console=(hvc0|ttyS\d+)(,|$)/.test(argument)),
  'console=hvc0',
];

/** Where Xen writes, unless the VSE says otherwise: to the first serial port and the screen. */
const XEN_CONSOLES: HypervisorConfig['cmdline'] = { console: 'com1,vga', com1: '115200,8n1' };

/** Arguments of the hypervisor itself (xen-command-line(7)). */
export const hypervisorArguments = ({ cmdline }: HypervisorConfig): readonly string[] =>
  Object.entries({ ...XEN_CONSOLES, ...cmdline }).map(([key, value]) =>
    value === true ? key : `${key}=${value}`,
  );
