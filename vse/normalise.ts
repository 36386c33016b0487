/** The merged options → Vse: defaults filled in, files of the host hashed, the whole checked. */
import type { Cell } from './cells.ts';
import { defaultAt } from './defaults.ts';
import { optionStates, vseDigest } from './digest.ts';
import type { Findings } from './findings.ts';
import { hashHostFiles } from './host-files.ts';
import type { HostFiles } from './host-files.ts';
import type { Layer } from './layer.ts';
import type { Merged } from './merge.ts';
import { OptionReader } from './option-reader.ts';
import { checkWhole } from './check-whole.ts';
import { showPath } from './shape.ts';
import type {
  FileConfig,
  KernelConfig,
  MachineConfig,
  Origin,
  PackageRequest,
  RepositoryConfig,
  TracedVse,
  UserConfig,
  VseConfig,
} from './types.ts';

/** Of an environment that gives none. */
const VERSION = '0';

/** `layers` is the stack that `merged` came from; the last one names the environment. */
export async function normalise(
  layers: readonly Layer[],
  merged: Merged,
  findings: Findings,
): Promise<TracedVse | undefined> {
  const top = layers.at(-1);
  if (!top) return undefined;
  const options = new OptionReader(merged.options);
  const hostFiles = await hashHostFiles(merged.options, findings);
  checkWhole(merged.options, top, findings);
  if (findings.failed) return undefined;
  const config = configOf(options, hostFiles);
  const values = {
    name: top.name,
    version: top.version ?? VERSION,
    config,
    packages: packagesOf(merged.options),
    excluded: [...merged.excluded.values()].sort(byName),
  };
  const held = [...merged.options.walk()];
  return {
    ...values,
    ...(top.description !== undefined && { description: top.description }),
    layers: layers.map(({ name, version, file, sha256, published }) => ({
      name,
      ...(version !== undefined && { version }),
      file,
      sha256,
      ...(published && { published }),
    })),
    removed: [...merged.removed.values()].sort(byName),
    origins: new Map(held.map(({ path, held: { origins } }) => [showPath(path), origins])),
    digest: vseDigest(values, hostFiles, 'whole'),
    treeDigest: vseDigest(values, hostFiles, 'tree'),
    optionStates: optionStates(values, hostFiles),
    held: held.map(({ path, held: { content, origins } }) => ({ path, content, origins })),
    taken: merged.taken,
    protections: merged.protections,
  };
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

function packagesOf(options: Cell): readonly PackageRequest[] {
  const requests = new Map<string, PackageRequest>();
  for (const [key, { held }] of options.at(['packages'])?.children ?? []) {
    if (held?.content.type !== 'request') continue;
    const { name, architecture, relations } = held.content;
    requests.set(key, {
      name,
      ...(architecture !== undefined && { architecture }),
      relations: [...relations.values()],
      origins: held.origins,
      layer: held.layer,
    });
  }
  // A kernel and a hypervisor that are named as packages are requests, too.
  for (const owner of ['kernel', 'hypervisor']) {
    const held = options.at([owner, 'package'])?.held;
    if (held?.content.type !== 'value') continue;
    const name = String(held.content.value);
    const known = requests.get(name);
    const origins: readonly Origin[] = [...(known?.origins ?? []), ...held.origins];
    const layer = Math.min(known?.layer ?? held.layer, held.layer);
    requests.set(name, { name, relations: known?.relations ?? [], origins, layer });
  }
  return [...requests.keys()].sort().map((key) => requests.get(key)!);
}

function configOf(options: OptionReader, hostFiles: HostFiles): VseConfig {
  const text = (...path: string[]): string => options.text(...path)!;
  return {
    distribution: {
      id: text('distribution', 'id'),
      release: text('distribution', 'release'),
      architecture: text('distribution', 'architecture'),
    },
    repositories: options.record('repositories', (at): RepositoryConfig => ({
      type: at.text('type') ?? textDefault('repositories', '*', 'type'),
      ...at.texts({ mirror: 'mirror', uri: 'uri', snapshot: 'snapshot' }),
      suites: at.set('suites'),
      components: at.set('components'),
      signedBy: at.set('signed-by'),
      ...at.numbers({ priority: 'priority' }),
    })),
    recommends: (options.value('recommends') ?? defaultAt('recommends')) as boolean,
    kernel: kernelOf(options),
    ...(options.has('hypervisor') && {
      hypervisor: {
        package: text('hypervisor', 'package'),
        cmdline: cmdline(options, 'hypervisor'),
      },
    }),
    initrd: { modules: options.set('initrd', 'modules') },
    users: options.record('users', (at): UserConfig => ({
      ...at.numbers({ uid: 'uid', gid: 'gid' }),
      groups: at.set('groups'),
      ...at.texts({ home: 'home', shell: 'shell', passwordHash: 'password-hash' }),
      sshKeys: at.set('ssh-keys'),
    })),
    groups: options.record('groups', (at) => at.numbers({ gid: 'gid' })),
    files: options.record('files', (at): FileConfig => fileOf(at, hostFiles)),
    services: options.record('services', (at) => at.value() as 'enabled' | 'disabled' | 'masked'),
    scripts: options.record('scripts', (at) => ({ run: at.text('run')! })),
    ...options.texts({
      hostname: 'hostname',
      timezone: 'timezone',
      locale: 'locale',
      keymap: 'keymap',
    }),
    network: options.record('network', (at) => ({
      addresses: (at.value('addresses') ?? defaultAt('network', '*', 'addresses')) as
        'dhcp' | readonly string[],
      ...at.texts({ gateway: 'gateway' }),
      ...(at.has('dns') && { dns: at.value('dns') as readonly string[] }),
    })),
    image: {
      size: (options.value('image', 'size') ?? defaultAt('image', 'size')) as number | 'auto',
      filesystem: options.text('image', 'filesystem') ?? textDefault('image', 'filesystem'),
      formats: options.has('image', 'formats')
        ? options.set('image', 'formats')
        : (defaultAt('image', 'formats') as readonly string[]),
    },
    machine: machineOf(options),
    backends: options.set('backends'),
  };
}

function kernelOf(options: OptionReader): KernelConfig {
  return {
    ...options.at('kernel').texts({
      package: 'package',
      image: 'image',
      modules: 'modules',
      initrd: 'initrd',
      label: 'label',
    }),
    cmdline: cmdline(options, 'kernel'),
  };
}

function cmdline(options: OptionReader, owner: string): Readonly<Record<string, string | true>> {
  return options.at(owner).record('cmdline', (at) => at.value() as string | true);
}

function fileOf(at: OptionReader, hostFiles: HostFiles): FileConfig {
  const path = at.text('source');
  const { sha256, size } = hostFiles.get(path ?? '') ?? { sha256: '', size: 0 };
  return {
    ...at.texts({ content: 'content', link: 'link' }),
    ...(path !== undefined && { source: { path, sha256, size } }),
    ...(at.has('directory') && { directory: true as const }),
    ...at.texts({ mode: 'mode', owner: 'owner', group: 'group' }),
  };
}

function machineOf(options: OptionReader): MachineConfig {
  const at = options.at('machine');
  return {
    memory: (at.value('memory') ?? defaultAt('machine', 'memory')) as number,
    vcpus: (at.value('vcpus') ?? defaultAt('machine', 'vcpus')) as number,
    ...at.numbers({ disk: 'disk' }),
    nics: (at.value('nics') ?? defaultAt('machine', 'nics')) as MachineConfig['nics'],
  };
}

const textDefault = (...path: string[]): string => String(defaultAt(...path));
