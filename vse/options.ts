/**
 * The language's one definition: every option with its shape, its check and its documentation.
 * Validation, merging, option paths, `vsec schema` and `vsec show` all follow from this table.
 */
import {
  boolean,
  choice,
  hostPath,
  id,
  integer,
  list,
  mode,
  size,
  text,
  wrongType,
} from './leaves.ts';
import * as names from './names.ts';
import { PACKAGE_NAME } from './relation.ts';
import type { KeyRule, Leaf, Record_, Set_, Shape, Struct } from './shape.ts';
import { address, addresses, cmdlineValue, nic, password, sshKey } from './special-leaves.ts';

const MiB = 2 ** 20;

const struct = (
  doc: string,
  fields: Readonly<Record<string, Shape>>,
  exclusive: Struct['exclusive'] = [],
): Struct => ({ kind: 'struct', doc, fields, exclusive });
const record = (doc: string, key: KeyRule, of: Struct | Leaf): Record_ => ({
  kind: 'record',
  doc,
  key,
  of,
});
const set = (doc: string, item: Leaf, otherwise?: readonly string[]): Set_ => ({
  ...{ kind: 'set', doc, item },
  ...(otherwise && { default: otherwise }),
});

const word = (doc: string, expects: string, pattern: string, ...examples: string[]): Leaf =>
  text({ doc, expects, pattern, examples });

const ACCOUNT = {
  pattern: '^([a-z_][a-z0-9_-]{0,31}|\\d{1,10})$',
  examples: ['cfd'],
  default: 'root',
};
const GUEST_PATH = '^/[^:\\u0000-\\u001f\\u007f]*$';
const PACKAGE = `^${PACKAGE_NAME}$`;
const MODULE = word('', 'the name of a kernel module', '^[A-Za-z0-9][A-Za-z0-9_-]*$', 'nvme');
const SUITE = word('', 'the name of a suite', '^[a-z0-9][a-z0-9./-]*$', 'bookworm-updates');
const COMPONENT = word('', 'the name of a component', '^[a-z0-9][a-z0-9./-]*$', 'main');

const cmdline = record('Arguments, by name.', names.CMDLINE_KEY, cmdlineValue);

export const OPTIONS: Struct = struct('Options of the environment.', {
  distribution: struct('What the packages are for; set by vendor bases.', {
    id: word('Distribution.', 'a distribution', '^[a-z][a-z0-9-]*$', 'debian'),
    release: word('Release, by code name.', 'a release', '^[a-z0-9][a-z0-9.-]*$', 'bookworm'),
    architecture: word('Architecture.', 'an architecture', '^[a-z0-9][a-z0-9-]*$', 'amd64'),
  }),
  repositories: record(
    'Where packages come from, by a name of your choice.',
    names.REPOSITORY_NAME,
    struct(
      'A package repository.',
      {
        type: choice({
          doc: 'Package format.',
          expects: 'a package format',
          of: ['deb'],
          default: 'deb',
        }),
        mirror: word('Logical name of the mirror.', 'a mirror name', '^[a-z][a-z0-9-]*$', 'debian'),
        uri: word(
          'Address, where there is no logical mirror.',
          'an http, https or file address',
          '^(https?|file)://[^\\s"\'<>\\\\]+$',
          'https://mirror.example/debian',
        ),
        suites: set('Suites.', SUITE),
        components: set('Components.', COMPONENT),
        'signed-by': set(
          'Keys that may sign it: files beside this layer.',
          hostPath('', ['./keys/site.asc']),
        ),
        snapshot: word(
          'Time of a snapshot archive.',
          'a time such as 20260101T000000Z',
          '^\\d{8}T\\d{6}Z$',
          '20260101T000000Z',
        ),
        priority: integer({
          doc: 'Wins over newer versions elsewhere; 500 unless given.',
          expects: 'a whole number from 1 to 1000',
          min: 1,
          max: 1000,
          examples: [700],
        }),
      },
      [['mirror', 'uri']],
    ),
  ),
  packages: {
    kind: 'packages',
    doc: "Packages, in the distribution's own relation syntax. Relations of several layers add up.",
  },
  recommends: boolean('Install what packages recommend.', false),
  kernel: struct(
    'The kernel, from a package or of your own.',
    {
      package: word('Package of the kernel.', 'a package name', PACKAGE, 'linux-image-amd64'),
      image: hostPath('A kernel of your own.', ['./vmlinuz']),
      modules: hostPath('Its modules: a folder like /lib/modules/VERSION.', ['./modules']),
      initrd: hostPath('Its initrd; one is generated when absent.', ['./initrd.img']),
      label: word('Its name in boot menus.', 'a label', '^[A-Za-z0-9][A-Za-z0-9._+ -]{0,62}$'),
      cmdline,
    },
    [['package', 'image']],
  ),
  hypervisor: struct('Makes the image a host image that carries a hypervisor.', {
    package: word(
      'Package of the hypervisor.',
      'a package name',
      PACKAGE,
      'xen-hypervisor-4.17-amd64',
    ),
    cmdline,
  }),
  initrd: struct('The initial RAM disk.', {
    modules: set('Drivers beyond those that every golden image carries.', MODULE),
  }),
  users: record(
    'Accounts, by name.',
    names.USER_NAME,
    struct('An account.', {
      uid: id('Number; the next free one when absent.'),
      gid: id('Number of the primary group; a group of its own when absent.'),
      groups: set('Further groups.', word('', 'a group', names.GROUP_NAME.pattern, 'video')),
      home: word('Home folder.', 'an absolute path', GUEST_PATH, '/home/cfd'),
      shell: word('Login shell.', 'an absolute path', GUEST_PATH, '/bin/bash'),
      'password-hash': password,
      'ssh-keys': set('Keys that open the account.', sshKey),
    }),
  ),
  groups: record(
    'Groups, by name.',
    names.GROUP_NAME,
    struct('A group.', { gid: id('Number; the next free one when absent.') }),
  ),
  files: record(
    'Files of the image, by absolute path.',
    names.FILE_PATH,
    struct(
      'A file: exactly one of content, source, link and directory.',
      {
        content: text({ doc: 'The text itself.', expects: 'text', examples: ['CFD node\n'] }),
        source: hostPath('A file beside this layer, copied.', ['./run.sh']),
        link: word('Target of a symbolic link.', 'a link target', '^[^\\u0000-\\u001f\\u007f]+$'),
        directory: {
          kind: 'leaf',
          doc: 'Makes an empty folder.',
          expects: 'true',
          schema: { const: true },
          read: (node) =>
            node.kind === 'scalar' && node.value === true
              ? { value: true }
              : wrongType("'true'", node),
        },
        mode: mode('Permission bits; 0644, and 0755 for folders, unless given.'),
        owner: text({ doc: 'Owner.', expects: 'a user', ...ACCOUNT }),
        group: text({ doc: 'Group.', expects: 'a group', ...ACCOUNT }),
      },
      [['content', 'source', 'link', 'directory']],
    ),
  ),
  services: record(
    'Units that start at boot, or may not.',
    names.UNIT_NAME,
    choice({
      doc: 'State of the unit.',
      expects: 'a state of a unit',
      of: ['enabled', 'disabled', 'masked'],
    }),
  ),
  scripts: record(
    'Scripts, executed inside the finished tree in the order of their names, without network.',
    names.SCRIPT_NAME,
    struct('A script.', {
      run: text({
        doc: 'Text for /bin/sh, or for the program of its #! line.',
        expects: 'text',
        pattern: '\\S',
        examples: ['make -C /opt/cfd\n'],
      }),
    }),
  ),
  hostname: word(
    "Host name; DHCP's, else the environment's name, unless given.",
    'a host name',
    '^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$',
    'node1',
  ),
  timezone: word(
    'Time zone.',
    'a time zone such as Europe/Berlin',
    '^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$',
    'Etc/UTC',
  ),
  locale: word(
    'Locale.',
    'a locale such as C.UTF-8',
    '^[A-Za-z][A-Za-z_]*(\\.[A-Za-z0-9-]+)?(@[a-z]+)?$',
    'C.UTF-8',
  ),
  keymap: word('Keyboard.', 'a keymap', '^[A-Za-z0-9][A-Za-z0-9_.-]*$', 'us'),
  network: record(
    'Interfaces by name or pattern; DHCP on every one unless given.',
    names.INTERFACE_NAME,
    struct('An interface.', {
      addresses,
      gateway: address(false, 'Default gateway.'),
      dns: list(
        { doc: 'Name servers.', expects: 'a list of addresses', examples: [['10.0.0.1']] },
        address(false),
      ),
    }),
  ),
  image: struct('The disk image.', {
    size: size({
      doc: 'Size of the disk; auto fits the content. It grows at first boot.',
      min: 64 * MiB,
      words: ['auto'],
      examples: ['6GiB'],
      default: 'auto',
    }),
    filesystem: choice({
      doc: 'Of the root.',
      expects: 'a root file system',
      of: ['ext4'],
      default: 'ext4',
    }),
    formats: set(
      'Formats to write.',
      choice({
        doc: '',
        expects: 'an image format',
        of: ['raw', 'qcow2', 'vmdk', 'tar', 'tar.zst', 'squashfs'],
      }),
      ['raw'],
    ),
  }),
  machine: struct('Virtual hardware, the same for every hypervisor.', {
    memory: size({ doc: 'Memory.', min: 64 * MiB, examples: ['1GiB'], default: 1024 * MiB }),
    vcpus: integer({
      doc: 'Processors.',
      expects: 'a number from 1 to 4096',
      min: 1,
      max: 4096,
      examples: [4],
      default: 1,
    }),
    disk: size({ doc: 'Disk, when larger than the image.', min: 64 * MiB, examples: ['20GiB'] }),
    nics: list(
      {
        doc: 'Network cards.',
        expects: 'a list of network cards',
        examples: [[{ bridge: 'br0' }]],
        default: [{}],
      },
      nic,
    ),
  }),
  backends: set(
    'Hypervisors to write boot glue for.',
    word('', 'the name of a backend', '^[a-z][a-z0-9-]*$', 'qemu', 'kvm'),
  ),
});
