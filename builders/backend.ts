/**
 * The backend interface: a hypervisor is one file in `builders/backends/`, its templates and its
 * tests. A backend writes boot glue beside the golden image and may start it; it never changes a
 * byte of the image.
 */
import type { Diagnostic } from '../vse/diagnostic.ts';
import type { MachineConfig } from '../vse/types.ts';
import type { KernelFacts } from './kernel/facts.ts';

/** The hypervisor of an image that carries one. */
export interface HostHypervisor {
  /** In the bundle: what a Multiboot loader starts. */
  readonly image: string;
  /** In the bundle: a program for UEFI itself; some packages have none. */
  readonly efi?: string;
  /** Arguments of the hypervisor. */
  readonly cmdline: readonly string[];
  /** Arguments of dom0's kernel. */
  readonly dom0: readonly string[];
}

/** A file of the bundle that nodes fetch, and verify while it comes. */
export interface StreamedFile {
  readonly file: string;
  /** Hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** What starts nodes that get their image by the network. */
export interface NetbootParts {
  /** In the bundle: the netboot shim, an initrd for the bundle's kernel. */
  readonly initrd: string;
  /** By format: those of `tar.zst` and `squashfs` that this bundle holds. */
  readonly streams: Readonly<Record<string, StreamedFile>>;
  /** Of the root file system that the shim makes, as on the golden disk. */
  readonly rootLabel: string;
  readonly rootUuid: string;
}

/** What there is to boot. File names are relative to the bundle's folder. */
export interface GoldenImage {
  readonly name: string;
  readonly version: string;
  /** Debian's name: `amd64`. */
  readonly architecture: string;
  /** Bundle stem, `cfd_2.1.0_amd64`; safe as a file name. */
  readonly stem: string;
  /** By format (`raw`, `qcow2`, …): those that this bundle holds. */
  readonly disks: Readonly<Record<string, string>>;
  readonly kernel?: string;
  readonly initrd?: string;
  /** Kernel arguments for a direct boot from disk: root, consoles, the VSE's own. */
  readonly cmdline: readonly string[];
  /** What kernel and initrd can do; absent where nobody looked. */
  readonly facts?: KernelFacts;
  /** Present when the image carries a hypervisor. */
  readonly hypervisor?: HostHypervisor;
  /** Present where a backend wanted the netboot shim. */
  readonly netboot?: NetbootParts;
  /** `sha256:…` of the file tree. */
  readonly rootfsDigest: string;
  readonly machine: MachineConfig;
  /** Size of the virtual disk in bytes. */
  readonly diskSize: number;
}

/** One emitted file, relative to `boot/<backend>/`. */
export interface GlueFile {
  readonly path: string;
  readonly content: string;
  /** Permission bits, e.g. 0o755 for a script. */
  readonly mode: number;
}

/** How `vsec boot` starts a guest; the console goes to the program's standard output. */
export interface BootPlan {
  /** Program of the boot toolbox, e.g. `qemu-system-x86_64`. */
  readonly program: string;
  readonly args: readonly string[];
  /** Added to the environment that the toolbox starts its programs with. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * `kernel`: no firmware's boot loader; the hypervisor starts the bundle's kernel itself. `pygrub`:
 * a Xen host reads kernel and initrd out of the image, by the image's own boot menu. `microvm`: as
 * `kernel`, on QEMU's machine without PCI. `xen`: as `kernel`, by a Xen host instead of QEMU.
 * `pvgrub`: as `pygrub`, but by a GRUB that runs inside the guest. `xen-efi`: UEFI starts the
 * hypervisor itself, as a program. `ipxe`, `grub`: the network card's ROM fetches a script, or a
 * GRUB that fetches one.
 */
export type Firmware =
  | ('bios' | 'uefi' | 'kernel' | 'microvm')
  | ('pygrub' | 'pvgrub' | 'xen' | 'xen-efi')
  | ('ipxe' | 'grub');

export type Accelerator = 'kvm' | 'tcg';

/** How to let the runner into the guest: nothing of it may be stored in the image. */
export interface GuestLogin {
  /** Port on the host's 127.0.0.1 that shall lead to the guest's port 22. */
  readonly port: number;
  /** systemd credentials by name, as base64 of their bytes (systemd.exec(5), CREDENTIALS). */
  readonly credentials: Readonly<Record<string, string>>;
}

/** What a machine that boots by the network is offered. */
export interface PxeServer {
  /** An address, or a name below `tftp`. */
  readonly bootfile: string;
  /** Absolute path of the folder that is served by TFTP. */
  readonly tftp?: string;
}

export interface BootRequest {
  /** Absolute path of the bundle's folder. */
  readonly bundle: string;
  readonly firmware: Firmware;
  /** A private scratch folder: overlays and firmware variables go here. */
  readonly scratch: string;
  /** Root folder of the boot toolbox, for firmware images. */
  readonly toolboxRoot: string;
  /** Absolute path of a qcow2 disk that may be written; a machine without a disk when absent. */
  readonly disk?: string;
  readonly accelerator: Accelerator;
  /** For a machine that boots by the network. */
  readonly pxe?: PxeServer;
  /** Absent where nobody wants to log in. */
  readonly login?: GuestLogin;
}

/** What a guest sees of Xen: it is dom0, or a guest of one of the three kinds. */
export type XenRole = 'dom0' | 'PV' | 'PVH' | 'HVM';

/** Where things are in the dom0 that shall start a guest. */
export interface XenGuestRequest {
  /** Absolute path in dom0 of the folder with the bundle's kernel and initrd. */
  readonly folder: string;
  /** Absolute path in dom0 of the guest's disk, a raw block device that may be written. */
  readonly disk: string;
  /** Absolute path in dom0 of the file that an emulated serial port writes to. */
  readonly serialLog: string;
  readonly firmware: Firmware;
  /** For the guest's kernel, besides the image's own, where the host hands some over. */
  readonly arguments: readonly string[];
}

export interface Backend {
  readonly name: string;
  /** One line for `vsec build --help` and the README. */
  readonly summary: string;
  /**
   * Formats that the glue can refer to, best first. Where none of them was asked for, the build
   * adds the first.
   */
  readonly formats: readonly string[];
  /** Other backends whose glue is written together with this one's. */
  readonly brings?: readonly string[];
  /** Wants the netboot shim in the bundle. */
  readonly shim?: true;
  /** How its nodes get their image by the network: onto their disk, or into memory. */
  readonly byNetwork?: 'install' | 'diskless';
  /** What this hypervisor cannot express or the image lacks; errors stop the build. */
  check(image: GoldenImage): readonly Diagnostic[];
  emit(image: GoldenImage): readonly GlueFile[];
  /** Accelerators that its guests may be booted with here, best first; both when absent. */
  readonly accelerators?: readonly Accelerator[];
  /** Ways in which its guests can be started, the usual one first; bios, uefi, kernel if absent. */
  readonly firmwares?: readonly Firmware[];
  /** What its guests are started on here, where that is not the hypervisor itself. */
  readonly standIn?: string;
  /** What a guest that is up must say of itself, lest something else was booted. */
  readonly xenRole?: XenRole;
  /** Absent where nothing here can run it. */
  boot?(image: GoldenImage, request: BootRequest): BootPlan;
  /** For hypervisors that a Xen host stands for: the guest as an xl.cfg(5), instead of `boot`. */
  xenGuest?(image: GoldenImage, request: XenGuestRequest): string;
}
