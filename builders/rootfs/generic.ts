/** Takes out of a tree what belongs to one machine or to the act of building it. */
import { truncateSync } from 'node:fs';
import { Tree } from './tree.ts';

/** Everything below these folders goes; the folders stay. */
const EMPTIED = [
  'dev',
  'proc',
  'sys',
  'run',
  'tmp',
  'var/tmp',
  'var/cache/apt',
  'var/cache/fontconfig',
  'var/cache/ldconfig',
  'var/cache/man',
  'var/lib/apt/lists',
  'var/lib/dhcp',
  'var/lib/NetworkManager',
  'var/lib/systemd/catalog-backup',
];

const REMOVED = [
  'etc/.pwd.lock',
  'etc/group-',
  'etc/gshadow-',
  'etc/passwd-',
  'etc/shadow-',
  'etc/subgid-',
  'etc/subuid-',
  'etc/initramfs-tools/modules~',
  'root/.bash_history',
  'var/cache/debconf/config.dat-old',
  'var/cache/debconf/passwords.dat-old',
  'var/cache/debconf/templates.dat-old',
  'var/lib/dbus/machine-id',
  'var/lib/dpkg/available-old',
  'var/lib/dpkg/diversions-old',
  'var/lib/dpkg/lock',
  'var/lib/dpkg/lock-frontend',
  'var/lib/dpkg/statoverride-old',
  'var/lib/dpkg/status-old',
  'var/lib/dpkg/triggers/Lock',
  'var/lib/dpkg/triggers/Unincorp',
  'var/lib/systemd/random-seed',
  'var/lib/urandom/random-seed',
  'boot/grub/.background_cache.png',
];

/** Log files that login programs expect to exist. */
const KEPT_EMPTY = new Set(['btmp', 'wtmp', 'lastlog', 'faillog']);

class Cleaning {
  private readonly tree: Tree;
  private readonly keep: ReadonlySet<string>;

  constructor(tree: Tree, keep: ReadonlySet<string>) {
    this.tree = tree;
    this.keep = keep;
  }

  /** Removes what is at `path`, but nothing that is to be kept. */
  remove(path: string): void {
    const real = this.tree.existingEntry(path);
    if (real === undefined || this.keep.has(real)) return;
    const holdsKept = [...this.keep].some((kept) => kept.startsWith(`${real}/`));
    if (holdsKept) this.empty(real);
    else this.tree.remove(real);
  }

  /** Removes everything in the folder at `path`; a link in its place stays alone. */
  empty(path: string): void {
    for (const [real] of this.contents(path)) this.remove(real);
  }

  /** Removes log files; folders stay. */
  clearLogs(path: string): void {
    for (const [real, name] of this.contents(path)) {
      const stat = this.tree.stat(real);
      if (stat?.isDirectory()) this.clearLogs(real);
      else if (KEPT_EMPTY.has(name) && stat?.isFile()) truncateSync(this.tree.host(real));
      else this.remove(real);
    }
  }

  private contents(path: string): readonly (readonly [real: string, name: string])[] {
    const real = this.tree.existingEntry(path);
    if (real === undefined || !this.tree.stat(real)?.isDirectory()) return [];
    return this.tree.list(real).map((name) => [`${real}/${name}`, name] as const);
  }
}

/**
 * Makes a tree generic: no machine-id (systemd makes one at first boot), no host keys, seeds,
 * leases, logs or caches. Runs before the VSE's own files are written, and once more after
 * everything for what scripts left behind; `keep` is then the real paths of those files.
 */
export function makeGeneric(root: string, keep: ReadonlySet<string> = new Set()): void {
  const tree = new Tree(root);
  const cleaning = new Cleaning(tree, keep);
  for (const path of EMPTIED) cleaning.empty(path);
  for (const path of REMOVED) cleaning.remove(path);
  cleaning.clearLogs('var/log');
  for (const name of tree.list('etc/ssh'))
    if (/^ssh_host_.*_key(\.pub)?$/.test(name)) cleaning.remove(`etc/ssh/${name}`);
  // Empty, not "uninitialized": the units' states are ours, not those of a first-boot preset.
  if (!keep.has('etc/machine-id') && (tree.has('etc/machine-id') || tree.has('usr/bin/systemctl')))
    tree.write('etc/machine-id', '', 0o444);
}
