/** The merged description: the nouns that leave `vse/`. Plain readonly data, serialisable. */

import type { Content } from './cells.ts';
import type { Span } from './diagnostic.ts';
import type { Published } from './published.ts';
import type { Path, Value } from './shape.ts';

export type Verb = 'add' | 'override' | 'remove' | 'exclude' | 'protect';

/** A place in a layer that gave, changed or took a value. */
export interface Origin {
  readonly layer: string;
  readonly verb: Verb;
  readonly span: Span;
  /** The value that this one replaced, rendered for people. */
  readonly replaced?: string;
}

export type RelationOperator = '<<' | '<=' | '=' | '>=' | '>>';

/** `gcc (>= 12)`: one relation of a request. */
export interface RequestRelation {
  readonly operator: RelationOperator;
  readonly version: string;
  readonly origin: Origin;
}

/** A package that the merged VSE asks for; all its relations hold together. */
export interface PackageRequest {
  readonly name: string;
  /** Foreign or qualified architecture (`:i386`), absent for the native one. */
  readonly architecture?: string;
  readonly relations: readonly RequestRelation[];
  readonly origins: readonly Origin[];
  /** Index into `Vse.layers` of the lowest layer that asks for it. */
  readonly layer: number;
}

export interface PackageExclusion {
  readonly name: string;
  readonly origins: readonly Origin[];
}

/** A request that a lower layer made and a higher one took back. */
export interface PackageRemoval {
  readonly name: string;
  /** Where it was asked for. */
  readonly requested: readonly Origin[];
  /** Where it was taken back. */
  readonly origins: readonly Origin[];
}

export interface LayerRef {
  readonly name: string;
  readonly version?: string;
  /** As shown to people: a path, or `base:debian-12` for a shipped base. */
  readonly file: string;
  /** SHA-256 of the layer's bytes, hex. */
  readonly sha256: string;
  /** What it was fetched as, when it was. */
  readonly published?: Published;
}

export interface RepositoryConfig {
  /** Package format; `deb` is the first. */
  readonly type: string;
  /** Logical mirror name; it or `uri` is present. */
  readonly mirror?: string;
  readonly uri?: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Absolute paths of the pinned keys that may sign it. */
  readonly signedBy: readonly string[];
  /** Timestamp of a snapshot archive, `YYYYMMDDTHHMMSSZ`. */
  readonly snapshot?: string;
  /** apt-like pin priority; 500 when absent. Higher wins over a newer version. */
  readonly priority?: number;
}

export interface KernelConfig {
  readonly package?: string;
  readonly image?: string;
  readonly modules?: string;
  readonly initrd?: string;
  readonly label?: string;
  readonly cmdline: Readonly<Record<string, string | true>>;
}

export interface HypervisorConfig {
  readonly package: string;
  readonly cmdline: Readonly<Record<string, string | true>>;
}

export interface UserConfig {
  readonly uid?: number;
  /** Number of the primary group; a group of the user's own name when absent. */
  readonly gid?: number;
  readonly groups: readonly string[];
  readonly home?: string;
  readonly shell?: string;
  readonly passwordHash?: string;
  readonly sshKeys: readonly string[];
}

export interface GroupConfig {
  readonly gid?: number;
}

/** Exactly one of content, source, link and directory is present. */
export interface FileConfig {
  readonly content?: string;
  /** Absolute path on the host, with the digest of what was there when the layer was read. */
  readonly source?: { readonly path: string; readonly sha256: string; readonly size: number };
  readonly link?: string;
  readonly directory?: true;
  /** Octal text such as `0755`. */
  readonly mode?: string;
  readonly owner?: string;
  readonly group?: string;
}

export type ServiceState = 'enabled' | 'disabled' | 'masked';

export interface NicConfig {
  readonly mac?: string;
  readonly bridge?: string;
}

export interface MachineConfig {
  /** Bytes. */
  readonly memory: number;
  readonly vcpus: number;
  /** Bytes; the size of the disk that the machine gives the image, when more than the image. */
  readonly disk?: number;
  readonly nics: readonly NicConfig[];
}

export interface InterfaceConfig {
  /** `dhcp` or a list of addresses with prefix length. */
  readonly addresses: 'dhcp' | readonly string[];
  readonly gateway?: string;
  readonly dns?: readonly string[];
}

export interface VseConfig {
  readonly distribution: {
    readonly id: string;
    readonly release: string;
    readonly architecture: string;
  };
  readonly repositories: Readonly<Record<string, RepositoryConfig>>;
  readonly recommends: boolean;
  readonly kernel: KernelConfig;
  readonly hypervisor?: HypervisorConfig;
  readonly initrd: { readonly modules: readonly string[] };
  readonly users: Readonly<Record<string, UserConfig>>;
  readonly groups: Readonly<Record<string, GroupConfig>>;
  readonly files: Readonly<Record<string, FileConfig>>;
  readonly services: Readonly<Record<string, ServiceState>>;
  readonly scripts: Readonly<Record<string, { readonly run: string }>>;
  readonly hostname?: string;
  readonly timezone?: string;
  readonly locale?: string;
  readonly keymap?: string;
  /** Per interface name or glob; empty means DHCP on every interface. */
  readonly network: Readonly<Record<string, InterfaceConfig>>;
  readonly image: {
    /** Bytes, or `auto` to fit the content. */
    readonly size: number | 'auto';
    readonly filesystem: string;
    readonly formats: readonly string[];
  };
  readonly machine: MachineConfig;
  readonly backends: readonly string[];
}

/** The merged Virtual System Environment. */
export interface Vse {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  /** The stack, lowest first; the last is the document that was named. */
  readonly layers: readonly LayerRef[];
  readonly config: VseConfig;
  /** Sorted by name; also `kernel.package` and `hypervisor.package`. */
  readonly packages: readonly PackageRequest[];
  readonly excluded: readonly PackageExclusion[];
  readonly removed: readonly PackageRemoval[];
  /** Option path (`kernel.cmdline.quiet`, `files./etc/motd.content`) → origins, newest last. */
  readonly origins: ReadonlyMap<string, readonly Origin[]>;
  /** `sha256:…` over the merged values (not over their origins). */
  readonly digest: string;
  /** As `digest`, over what can change the file tree alone: no formats, machine or backends. */
  readonly treeDigest: string;
  /** By option path, sets as a whole: how options of two states of a VSE differ. */
  readonly optionStates: Readonly<Record<string, OptionState>>;
}

/** An option of a state of a VSE. */
export interface OptionState {
  /**
   * The first 16 hex digits of its value's SHA-256: enough to say which options of two states differ,
   * and nothing of what they hold.
   */
  readonly digest: string;
  /** As a layer writes it. Absent where it is a password, of a file or script, or long. */
  readonly value?: Value;
}

/** One place of the merged options. */
export interface HeldOption {
  readonly path: Path;
  readonly content: Content;
  readonly origins: readonly Origin[];
}

/** A Vse with what `show`, `explain` and `diff` tell of it besides. */
export interface TracedVse extends Vse {
  /** Every option that is given, depth first. */
  readonly held: readonly HeldOption[];
  /** Option path of what was removed and not given again → its origins, the removal last. */
  readonly taken: ReadonlyMap<string, readonly Origin[]>;
  readonly protections: readonly { readonly path: Path; readonly origin: Origin }[];
}
