/**
 * Entering a tree: programs of the image under construction run here and nowhere else, with
 * no network, none of the host's processes in view and an environment of their own.
 */
import { chmodSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import { Tree } from '../rootfs/tree.ts';
import type { Toolbox } from '../toolbox.ts';
import type { RunOptions, RunResult } from './programs.ts';
import { killInside } from './kill-inside.ts';
import { hasCapability } from './modes.ts';
import { mustRun, run } from './programs.ts';

/** Do we have namespaces to mount in, or a bare chroot(2)? */
export type Isolation = 'namespaces' | 'chroot';

const DEVICES: readonly (readonly [name: string, major: number, minor: number])[] = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
];

const LINKS: readonly (readonly [name: string, target: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
];

/** From util-linux, which every Debian system has. */
const SETPRIV = '/usr/bin/setpriv';
/**
 * What no script that sets up a package needs, and what leads out: a second chroot(2), device nodes
 * of the host's disks, mounts, handles of files outside, other processes.
 */
const DROPPED = [
  ...['sys_chroot', 'mknod', 'sys_admin', 'dac_read_search', 'sys_ptrace', 'sys_module'],
  ...['sys_rawio', 'sys_boot', 'sys_time', 'sys_tty_config', 'net_admin', 'syslog', 'mac_admin'],
  ...['mac_override', 'audit_control'],
];
const CAP_SETPCAP = 8;

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

export class Inside {
  readonly root: string;
  private readonly isolation: Isolation;
  private readonly toolbox: Toolbox;
  private readonly environment: Readonly<Record<string, string>>;
  private open = false;

  /** `epoch` (seconds) is the time that programs are asked to believe in. */
  constructor(root: string, isolation: Isolation, toolbox: Toolbox, epoch: number) {
    this.root = root;
    this.isolation = isolation;
    this.toolbox = toolbox;
    this.environment = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      TERM: 'dumb',
      DEBIAN_FRONTEND: 'noninteractive',
      DEBCONF_NONINTERACTIVE_SEEN: 'true',
      DEBCONF_NOWARNINGS: 'yes',
      SYSTEMD_OFFLINE: '1',
      SYSTEMD_LOG_LEVEL: 'warning',
      // Kernel packages' hook: the initrd is made once, at the end.
      INITRD: 'No',
      SOURCE_DATE_EPOCH: String(epoch),
    };
  }

  /** Makes devices available. Call after the base of the tree is unpacked. */
  async enter(): Promise<void> {
    if (this.open) return;
    if (new Tree(this.root).directory('dev') !== 'dev')
      throw failure('BUILD118', '/dev of the tree is a link, which no system can start with');
    const dev = join(this.root, 'dev');
    if (this.isolation === 'namespaces') {
      await this.mount('-t', 'tmpfs', '-o', 'mode=755,size=1m,nosuid', 'tmpfs', dev);
      for (const [name] of DEVICES) {
        writeFileSync(join(dev, name), '');
        await this.mount('--bind', `/dev/${name}`, join(dev, name));
      }
    } else
      for (const [name, major, minor] of DEVICES) {
        if (isThere(join(dev, name))) continue;
        await mustRun(
          `making /dev/${name}`,
          'unshare',
          [`--root=${this.root}`, '/usr/bin/mknod', `/dev/${name}`, 'c', `${major}`, `${minor}`],
          { env: this.environment },
        );
        chmodSync(join(dev, name), 0o666);
      }
    for (const [name, target] of LINKS)
      if (!isThere(join(dev, name))) symlinkSync(target, join(dev, name));
    if (!isThere(join(dev, 'shm'))) {
      mkdirSync(join(dev, 'shm'));
      chmodSync(join(dev, 'shm'), 0o1777);
    }
    this.open = true;
  }

  /** Takes the devices away again, so that the tree can be read as it is. */
  async leave(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    const dev = join(this.root, 'dev');
    if (this.isolation === 'namespaces') {
      const { file, args, env } = this.toolbox.command('umount', ['-R', dev]);
      await mustRun('unmounting /dev of the tree', file, args, { env });
      return;
    }
    for (const [name] of DEVICES) rmSync(join(dev, name), { force: true });
    for (const [name] of LINKS) rmSync(join(dev, name), { force: true });
    rmSync(join(dev, 'shm'), { recursive: true, force: true });
  }

  private async mount(...args: string[]): Promise<void> {
    const command = this.toolbox.command('mount', args);
    await mustRun(`mount ${args.join(' ')}`, command.file, command.args, { env: command.env });
  }

  /** The beginning of a command that runs with fewer capabilities; empty where that cannot be. */
  private leash(): readonly string[] {
    if (!isThere(join(this.root, SETPRIV)) || !hasCapability(CAP_SETPCAP)) return [];
    const dropped = DROPPED.map((name) => `-${name}`).join(',');
    return [SETPRIV, `--bounding-set=${dropped}`, '--inh-caps=-all', '--'];
  }

  /** Runs a program of the tree; never throws for its exit code. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    await this.enter();
    const wall =
      this.isolation === 'namespaces'
        ? ['--mount', '--pid', '--fork', '--kill-child', '--net', '--uts', '--ipc', '--mount-proc']
        : [];
    const enter = [...wall, `--root=${this.root}`, '--wd=/', '--', ...this.leash(), ...argv];
    const result = await run('unshare', enter, {
      ...options,
      env: { ...this.environment, ...options.env },
    });
    if (this.isolation === 'chroot') killInside(this.root);
    return result;
  }
}
