/** Users and groups, written to the account files directly (passwd(5), shadow(5), group(5)). */
import { chownSync } from 'node:fs';
import { failure } from '../../vse/diagnostic.ts';
import type { GroupConfig, UserConfig } from '../../vse/types.ts';
import { makeHome, writeKeys } from './home.ts';
import { Tree } from './tree.ts';

/** First number given to a person or a person's group. */
const FIRST_ID = 1000;

/** Account database entry that says: there is no home. */
const NO_HOME = '/nonexistent';

/** One colon-separated file of `/etc`, in its order. */
class Table {
  readonly rows: string[][];
  private readonly tree: Tree;
  private readonly path: string;
  private readonly before: string;

  constructor(tree: Tree, name: string) {
    this.tree = tree;
    this.path = `etc/${name}`;
    this.before = tree.read(this.path) ?? '';
    this.rows = this.before
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(':'));
  }

  find(name: string): string[] | undefined {
    return this.rows.find((row) => row[0] === name);
  }

  withNumber(id: number): string[] | undefined {
    return this.rows.find((row) => row[2] === String(id));
  }

  /** Writes the file when it changed; a new one gets `mode` and the group `gid`. */
  save(mode: number, gid = 0): void {
    const text = this.rows.map((row) => `${row.join(':')}\n`).join('');
    if (text === this.before) return;
    const fresh = !this.tree.has(this.path);
    this.tree.write(this.path, text, fresh ? mode : undefined);
    if (fresh && gid !== 0) chownSync(this.tree.host(this.tree.entry(this.path)), 0, gid);
  }
}

/** Account files of one tree. */
export class Accounts {
  private readonly tree: Tree;
  private readonly passwd: Table;
  private readonly shadow: Table;
  private readonly group: Table;
  private readonly gshadow: Table;
  private readonly day: string;
  /** Numbers that somebody asks for. */
  private readonly reserved = new Set<number>();

  /** `epoch` in seconds: the day that passwords were last changed. */
  constructor(root: string, epoch: number) {
    this.tree = new Tree(root);
    this.passwd = new Table(this.tree, 'passwd');
    this.shadow = new Table(this.tree, 'shadow');
    this.group = new Table(this.tree, 'group');
    this.gshadow = new Table(this.tree, 'gshadow');
    this.day = String(Math.floor(epoch / 86400));
  }

  /** Numeric id of a user name or number; `undefined` when there is none. */
  uid(name: string): number | undefined {
    return /^\d+$/.test(name) ? Number(name) : numberAt(this.passwd.find(name));
  }

  gid(name: string): number | undefined {
    return /^\d+$/.test(name) ? Number(name) : numberAt(this.group.find(name));
  }

  /**
   * Adds or changes groups and users, and makes the users' homes. Whoever asks for a number gets
   * it before numbers are given to the others, and names go in their order.
   */
  apply(
    groups: Readonly<Record<string, GroupConfig>>,
    users: Readonly<Record<string, UserConfig>>,
  ): void {
    for (const { gid } of Object.values(groups)) if (gid !== undefined) this.reserved.add(gid);
    for (const { uid } of Object.values(users)) if (uid !== undefined) this.reserved.add(uid);
    for (const [name, config] of inOrder(groups, (group) => group.gid))
      this.addGroup(name, config.gid);
    for (const [name, config] of inOrder(users, (user) => user.uid)) this.addUser(name, config);
    this.passwd.save(0o644);
    this.group.save(0o644);
    const keepers = numberAt(this.group.find('shadow'));
    this.shadow.save(0o640, keepers);
    this.gshadow.save(0o640, keepers);
  }

  private addGroup(name: string, wanted: number | undefined): void {
    const notes = [{ message: `option groups.${name}` }];
    const present = this.group.find(name);
    if (present) {
      const gid = Number(present[2]);
      if (wanted !== undefined && wanted !== gid)
        throw failure('BUILD161', `group ${name} has number ${gid} already, not ${wanted}`, {
          notes,
        });
      return;
    }
    const clash = wanted === undefined ? undefined : this.group.withNumber(wanted);
    if (clash)
      throw failure('BUILD161', `number ${wanted} for group ${name} is taken by ${clash[0]}`, {
        notes,
        hint: 'choose another gid',
      });
    this.newGroup(name, wanted ?? this.free());
  }

  private newGroup(name: string, gid: number): void {
    this.group.rows.push([name, 'x', String(gid), '']);
    this.gshadow.rows.push([name, '!', '', '']);
  }

  /** The first number that no user and no group has or asks for. */
  private free(): number {
    let id = FIRST_ID;
    while (this.reserved.has(id) || this.passwd.withNumber(id) || this.group.withNumber(id)) id++;
    return id;
  }

  private addUser(name: string, config: UserConfig): void {
    const present = this.passwd.find(name);
    if (present) this.changeUser(present, config);
    const row = present ?? this.newUser(name, config);
    for (const group of config.groups) this.join(name, group);

    const home = (row[5] ?? '').replace(/^\/+/, '');
    const [uid, gid] = [Number(row[2]), Number(row[3])];
    const wantsHome = present ? config.home !== undefined : row[5] !== NO_HOME;
    if (wantsHome || config.sshKeys.length > 0) makeHome(this.tree, home, uid, gid);
    if (config.sshKeys.length > 0) writeKeys(this.tree, home, uid, gid, config.sshKeys);
  }

  private newUser(name: string, config: UserConfig): string[] {
    const uid = config.uid ?? this.free();
    const clash = this.passwd.withNumber(uid);
    if (clash)
      throw failure('BUILD162', `number ${uid} for user ${name} is taken by ${clash[0]}`, {
        notes: [{ message: `option users.${name}` }],
        hint: 'choose another uid',
      });
    const row = [
      ...[name, 'x', String(uid), String(this.primaryGroup(name, uid, config.gid)), ''],
      config.home ?? `/home/${name}`,
      config.shell ?? (this.tree.has('bin/bash') ? '/bin/bash' : '/bin/sh'),
    ];
    this.passwd.rows.push(row);
    this.setPassword(name, config.passwordHash ?? '!');
    return row;
  }

  /** Number of the group asked for, or of the user's own group, which is made when missing. */
  private primaryGroup(name: string, uid: number, wanted: number | undefined): number {
    if (wanted !== undefined) {
      if (this.group.withNumber(wanted)) return wanted;
      throw failure('BUILD163', `user ${name} is to be in group ${wanted}, which does not exist`, {
        notes: [{ message: `option users.${name}` }],
        hint: `add a group with that gid under groups`,
      });
    }
    const own = numberAt(this.group.find(name));
    if (own !== undefined) return own;
    const gid = this.group.withNumber(uid) ? this.free() : uid;
    this.newGroup(name, gid);
    return gid;
  }

  private changeUser(row: string[], config: UserConfig): void {
    const name = row[0] ?? '';
    if (config.uid !== undefined && row[2] !== String(config.uid))
      throw failure('BUILD162', `user ${name} has number ${row[2]} already, not ${config.uid}`, {
        notes: [{ message: `option users.${name}` }],
      });
    if (config.gid !== undefined) row[3] = String(this.primaryGroup(name, 0, config.gid));
    if (config.home) row[5] = config.home;
    if (config.shell) row[6] = config.shell;
    if (config.passwordHash) {
      row[1] = 'x';
      this.setPassword(name, config.passwordHash);
    }
  }

  private setPassword(name: string, hash: string): void {
    const row = this.shadow.find(name);
    if (row) row[1] = hash;
    else this.shadow.rows.push([name, hash, this.day, '0', '99999', '7', '', '', '']);
  }

  private join(user: string, group: string): void {
    const row = this.group.find(group);
    if (!row)
      throw failure('BUILD163', `user ${user} is to be in group ${group}, which does not exist`, {
        notes: [{ message: `option users.${user}` }],
        hint: `add it under groups, or add the package that makes it`,
      });
    for (const line of [row, this.gshadow.find(group)]) {
      if (!line) continue;
      const members = (line[3] ?? '').split(',').filter((m) => m !== '');
      if (!members.includes(user)) line[3] = [...members, user].join(',');
    }
  }
}

/** Sorted by name, those with a number of their own first. */
function inOrder<T>(
  entries: Readonly<Record<string, T>>,
  number: (entry: T) => number | undefined,
): readonly (readonly [string, T])[] {
  const late = (entry: T): number => (number(entry) === undefined ? 1 : 0);
  return Object.entries(entries).sort(
    ([a, x], [b, y]) => late(x) - late(y) || (a < b ? -1 : a > b ? 1 : 0),
  );
}

const numberAt = (row: readonly string[] | undefined): number | undefined =>
  row === undefined ? undefined : Number(row[2]);
