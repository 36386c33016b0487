/**
 * The package manager's database below `/var/lib/dpkg`, written directly
 * (formats: dpkg's `status`, `info/`, `triggers/`, `diversions`).
 */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ControlData, Fields } from './control.ts';
import { parseFields } from './control.ts';
import type { Owner, Ownership } from './ownership.ts';
import { ownerOf } from './ownership.ts';

const ADMIN = 'var/lib/dpkg';
/** Control members that dpkg reads itself and does not keep in `info/`. */
const NOT_KEPT = new Set(['control']);

export interface Installed {
  readonly owner: Owner;
  readonly fields: Fields;
}

export class Database {
  private readonly dir: string;

  constructor(root: string) {
    this.dir = join(root, ADMIN);
    for (const name of ['info', 'updates', 'parts', 'triggers', 'alternatives'])
      mkdirSync(join(this.dir, name), { recursive: true, mode: 0o755 });
    for (const [name, text] of [
      ['status', ''],
      ['available', ''],
      ['info/format', '1\n'],
    ] as const)
      if (!existsSync(join(this.dir, name))) writeFileSync(join(this.dir, name), text);
  }

  /** Every package in the status file. */
  installed(): readonly Installed[] {
    return readFileSync(join(this.dir, 'status'), 'utf8')
      .split('\n\n')
      .filter((p) => p.trim() !== '')
      .map((p) => {
        const fields = parseFields(p);
        return { owner: ownerOf(fields), fields };
      });
  }

  /** Ids of the packages that are unpacked and wait for `dpkg --configure`. */
  unconfigured(): ReadonlySet<string> {
    return new Set(
      this.installed()
        .filter(({ fields }) => fields.get('Status') === 'install ok unpacked')
        .map(({ owner }) => owner.id),
    );
  }

  /** Feeds the file lists of what is installed already into `ownership`. */
  loadOwnership(ownership: Ownership, realPath: (path: string) => string): void {
    for (const { owner } of this.installed())
      for (const path of this.list(owner.id)) ownership.record(realPath(path), owner);
  }

  private list(id: string): readonly string[] {
    const path = join(this.dir, 'info', `${id}.list`);
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.length > 1 && line !== '/.')
      .map((line) => line.slice(1));
  }

  /** Records a package as unpacked. `conffiles`: path with leading slash → MD5. */
  addUnpacked(
    owner: Owner,
    control: ControlData,
    paths: readonly string[],
    conffiles: ReadonlyMap<string, string>,
  ): void {
    const lines: string[] = [];
    for (const [field, value] of control.fields) {
      lines.push(value.startsWith('\n') ? `${field}:${value}` : `${field}: ${value}`);
      if (field === 'Package') lines.push('Status: install ok unpacked');
    }
    if (conffiles.size > 0)
      lines.push('Conffiles:', ...[...conffiles].map(([path, md5]) => ` ${path} ${md5}`));
    appendFileSync(join(this.dir, 'status'), `${lines.join('\n')}\n\n`);
    writeFileSync(join(this.dir, 'info', `${owner.id}.list`), `${paths.join('\n')}\n`);
    this.writeInfo(owner, control);
    this.registerTriggers(owner, control);
  }

  /** Puts a package's control members into `info/`; maintainer scripts run from there. */
  writeInfo(owner: Owner, control: ControlData): void {
    for (const [name, { bytes, executable }] of control.files) {
      if (NOT_KEPT.has(name)) continue;
      const path = join(this.dir, 'info', `${owner.id}.${name}`);
      writeFileSync(path, bytes);
      chmodSync(path, executable ? 0o755 : 0o644);
    }
  }

  /** Takes the paths that other packages replaced out of the file lists. */
  applyLost(lost: Ownership['lost']): void {
    for (const [id, gone] of lost) {
      const path = join(this.dir, 'info', `${id}.list`);
      if (!existsSync(path)) continue;
      const kept = readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => !gone.has(line.slice(1)));
      writeFileSync(path, kept.join('\n'));
    }
  }

  /** What `package` declares in its `triggers` member (deb-triggers(5)). */
  private registerTriggers(owner: Owner, control: ControlData): void {
    for (const [directive, name] of triggerLines(control)) {
      const [verb, manner] = directive.split('-') as [string, string | undefined];
      if (verb === 'interest') {
        const who = manner === 'noawait' ? `${owner.id}/noawait` : owner.id;
        if (name.startsWith('/'))
          appendFileSync(join(this.dir, 'triggers', 'File'), `${name} ${who}\n`);
        else appendFileSync(join(this.dir, 'triggers', name), `${who}\n`);
      }
    }
  }

  /** Paths that somebody is interested in, from `triggers/File`. */
  private fileInterests(): ReadonlySet<string> {
    const path = join(this.dir, 'triggers', 'File');
    if (!existsSync(path)) return new Set();
    return new Set(
      readFileSync(path, 'utf8')
        .split('\n')
        .flatMap((line) => line.split(' ').slice(0, 1))
        .filter((p) => p !== ''),
    );
  }

  /**
   * Notes the triggers that newly unpacked packages activate; dpkg takes them up at its next
   * start and runs each interested package once.
   */
  activateTriggers(unpacked: readonly { control: ControlData; paths: readonly string[] }[]): void {
    const interests = this.fileInterests();
    const names = new Set<string>();
    for (const { control, paths } of unpacked) {
      for (const [directive, name] of triggerLines(control))
        if (directive.startsWith('activate')) names.add(name);
      for (const path of paths)
        for (let at = path.length; at > 0; at = path.lastIndexOf('/', at - 1)) {
          const prefix = path.slice(0, at);
          if (interests.has(prefix)) names.add(prefix);
        }
    }
    const known = new Set(readdirSync(join(this.dir, 'triggers')));
    const lines = [...names]
      .filter((name) => name.startsWith('/') || known.has(name))
      .sort()
      .map((name) => `${name} -\n`);
    if (lines.length > 0) appendFileSync(join(this.dir, 'triggers', 'Unincorp'), lines.join(''));
  }

  /** Path (`usr/bin/x`) → where `dpkg-divert` moved it for packages other than `by`. */
  diversions(): readonly { from: string; to: string; by: string }[] {
    const path = join(this.dir, 'diversions');
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').split('\n');
    const found: { from: string; to: string; by: string }[] = [];
    for (let i = 0; i + 2 < lines.length; i += 3)
      found.push({
        from: (lines[i] ?? '').slice(1),
        to: (lines[i + 1] ?? '').slice(1),
        by: lines[i + 2] ?? '',
      });
    return found;
  }
}

function triggerLines(control: ControlData): readonly (readonly [string, string])[] {
  const text = control.files.get('triggers')?.bytes.toString('utf8') ?? '';
  return text.split('\n').flatMap((line) => {
    const m = /^\s*(interest|activate)(-await|-noawait)?\s+(\S+)\s*$/.exec(line.replace(/#.*/, ''));
    if (!m?.[1] || !m[3] || (m[3].includes('/') && !m[3].startsWith('/'))) return [];
    return [[`${m[1]}${m[2] ?? ''}`, m[3]] as const];
  });
}
