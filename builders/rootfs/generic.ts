/** Takes out of a tree what belongs to one machine or to the act of building it. */
import { existsSync, lstatSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

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

function clearLogs(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) clearLogs(path);
    else if (KEPT_EMPTY.has(entry.name)) truncateSync(path);
    else rmSync(path);
  }
}

function empty(dir: string): void {
  if (!lstatSync(dir, { throwIfNoEntry: false })?.isDirectory()) return;
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true, force: true });
}

/**
 * Makes a tree generic: no machine-id (systemd makes one at first boot), no host keys, seeds,
 * leases, logs or caches. Runs before the VSE's own files are written, and after everything once
 * more for what scripts left behind.
 */
export function makeGeneric(root: string): void {
  for (const path of EMPTIED) empty(join(root, path));
  for (const path of REMOVED) rmSync(join(root, path), { force: true });
  if (existsSync(join(root, 'var/log'))) clearLogs(join(root, 'var/log'));
  const ssh = join(root, 'etc/ssh');
  if (existsSync(ssh))
    for (const name of readdirSync(ssh))
      if (/^ssh_host_.*_key(\.pub)?$/.test(name)) rmSync(join(ssh, name));
  // Empty, not "uninitialized": the units' states are ours, not those of a first-boot preset.
  if (existsSync(join(root, 'etc/machine-id')) || existsSync(join(root, 'usr/bin/systemctl')))
    writeFileSync(join(root, 'etc/machine-id'), '', { mode: 0o444 });
}
