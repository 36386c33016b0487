/** Users and groups, written to the account files directly (passwd(5), shadow(5), group(5)). */
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import type { GroupConfig, UserConfig } from '../../vse/types.ts';
import { Tree } from './tree.ts';

/** First number given to a person or a person's group. */
const FIRST_ID = 1000;

/** One colon-separated file of `/etc`, in its order. */
class Table {
  readonly rows: string[][];
  private readonly path: string;

  constructor(root: string, name: string) {
    this.path = join(root, 'etc', name);
    this.rows = existsSync(this.path)
      ? readFileSync(this.path, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => line.split(':'))
      : [];
  }

  find(name: string): string[] | undefined {
    return this.rows.find((row) => row[0] === name);
  }

  /** Writes the file back with the mode that it has, or `mode` when it is new. */
  save(mode: number): void {
    const fresh = !existsSync(this.path);
    writeFileSync(this.path, this.rows.map((row) => `${row.join(':')}\n`).join(''));
    if (fresh) chmodSync(this.path, mode);
  }

  ids(): ReadonlySet<number> {
    return new Set(this.rows.map((row) => Number(row[2])));
  }
}

function free(wanted: number | undefined, ...taken: ReadonlySet<number>[]): number {
  if (wanted !== undefined) return wanted;
  let id = FIRST_ID;
  while (taken.some((set) => set.has(id))) id++;
  return id;
}

/** Account files of one tree. */
export class Accounts {
  private readonly root: string;
  private readonly passwd: Table;
  private readonly shadow: Table;
  private readonly group: Table;
  private readonly gshadow: Table;
  private readonly day: string;

  /** `epoch` in seconds: the day that passwords were last changed. */
  constructor(root: string, epoch: number) {
    this.root = root;
    this.passwd = new Table(root, 'passwd');
    this.shadow = new Table(root, 'shadow');
    this.group = new Table(root, 'group');
    this.gshadow = new Table(root, 'gshadow');
    this.day = String(Math.floor(epoch / 86400));
  }

  /** Numeric id of a user name or number; `undefined` when there is none. */
  uid(name: string): number | undefined {
    return /^\d+$/.test(name) ? Number(name) : numberAt(this.passwd.find(name));
  }

  gid(name: string): number | undefined {
    return /^\d+$/.test(name) ? Number(name) : numberAt(this.group.find(name));
  }

  addGroup(name: string, config: GroupConfig): number {
    const present = this.group.find(name);
    if (present) {
      const gid = Number(present[2]);
      if (config.gid !== undefined && config.gid !== gid)
        throw failure('BUILD161', `group ${name} has number ${gid} already, not ${config.gid}`, {
          notes: [{ message: `option groups.${name}` }],
        });
      return gid;
    }
    const gid = free(config.gid, this.group.ids());
    this.group.rows.push([name, 'x', String(gid), '']);
    this.gshadow.rows.push([name, '!', '', '']);
    return gid;
  }

  addUser(name: string, config: UserConfig): void {
    let row = this.passwd.find(name);
    if (!row) {
      const uid = free(config.uid, this.passwd.ids(), this.group.ids());
      const clash = this.passwd.rows.find((other) => other[2] === String(uid));
      if (clash)
        throw failure('BUILD162', `number ${uid} for user ${name} is taken by ${clash[0]}`, {
          notes: [{ message: `option users.${name}` }],
          hint: 'choose another uid',
        });
      const gid = config.gid ?? this.addGroup(name, this.group.find(name) ? {} : { gid: uid });
      const shell = existsSync(join(this.root, 'bin/bash')) ? '/bin/bash' : '/bin/sh';
      row = [
        name,
        'x',
        String(uid),
        String(gid),
        '',
        config.home ?? `/home/${name}`,
        config.shell ?? shell,
      ];
      this.passwd.rows.push(row);
      this.shadow.rows.push([
        name,
        config.passwordHash ?? '!',
        this.day,
        '0',
        '99999',
        '7',
        '',
        '',
        '',
      ]);
    } else {
      if (config.uid !== undefined && row[2] !== String(config.uid))
        throw failure('BUILD162', `user ${name} has number ${row[2]} already, not ${config.uid}`, {
          notes: [{ message: `option users.${name}` }],
        });
      if (config.home) row[5] = config.home;
      if (config.shell) row[6] = config.shell;
      const shadow = this.shadow.find(name);
      if (config.passwordHash && shadow) shadow[1] = config.passwordHash;
    }
    for (const group of config.groups) this.join(name, group);
    this.home(row, config.sshKeys);
  }

  private join(user: string, group: string): void {
    const row = this.group.find(group);
    if (!row)
      throw failure('BUILD163', `user ${user} is to be in group ${group}, which does not exist`, {
        notes: [{ message: `option users.${user}` }],
        hint: `add it under groups, or add the package that makes it`,
      });
    for (const [table, column] of [
      [row, 3],
      [this.gshadow.find(group), 3],
    ] as const) {
      if (!table) continue;
      const members = (table[column] ?? '').split(',').filter((m) => m !== '');
      if (!members.includes(user)) table[column] = [...members, user].join(',');
    }
  }

  private home(row: readonly string[], keys: readonly string[]): void {
    const tree = new Tree(this.root);
    const [uid, gid] = [Number(row[2]), Number(row[3])];
    const inner = (row[5] ?? '/').slice(1);
    const entry = tree.entry(inner);
    const existed = existsSync(tree.host(entry));
    const host = tree.host(tree.directory(inner));
    if (!existed) {
      const skeleton = join(this.root, 'etc/skel');
      if (existsSync(skeleton))
        for (const name of readdirSync(skeleton)) {
          cpSync(join(skeleton, name), join(host, name), {
            recursive: true,
            verbatimSymlinks: true,
          });
          lchownSync(join(host, name), uid, gid);
        }
      chownSync(host, uid, gid);
      chmodSync(host, 0o700);
    }
    if (keys.length === 0) return;
    const ssh = tree.host(tree.directory(`${inner}/.ssh`));
    mkdirSync(ssh, { recursive: true });
    const file = join(ssh, 'authorized_keys');
    writeFileSync(file, keys.map((key) => `${key}\n`).join(''));
    for (const [path, mode] of [
      [ssh, 0o700],
      [file, 0o600],
    ] as const) {
      chownSync(path, uid, gid);
      chmodSync(path, mode);
    }
  }

  save(): void {
    this.passwd.save(0o644);
    this.group.save(0o644);
    this.shadow.save(0o640);
    this.gshadow.save(0o640);
  }
}

const numberAt = (row: readonly string[] | undefined): number | undefined =>
  row === undefined ? undefined : Number(row[2]);
