/**
 * The package manager's database below `/var/lib/dpkg`, written directly
 * (formats: dpkg's `status`, `info/`, `triggers/`, `diversions`).
 */
import type { Tree } from '../rootfs/tree.ts';
import type { ControlData, Fields } from './control.ts';
import { parseFields } from './control.ts';
import type { Owner, Ownership } from './ownership.ts';
import { ownerOf } from './ownership.ts';

const ADMIN = 'var/lib/dpkg';
/** Members of the control archive that are no part of `info/`: dpkg writes its own. */
const NOT_KEPT = new Set(['control', 'list']);
/** Fields that only the database holds; a package that has them would forge its state. */
const STATE_FIELDS = /^(status|config-version|conffiles|triggers-(pending|awaited))$/i;
/** Files of `triggers/` that are no triggers. */
const NO_TRIGGERS = new Set(['File', 'Lock', 'Unincorp']);

export interface Installed {
  readonly owner: Owner;
  readonly fields: Fields;
}

export interface Diversion {
  readonly from: string;
  readonly to: string;
  /** Name of a package, or `:` for a diversion by hand. */
  readonly by: string;
}

export class Database {
  private readonly tree: Tree;

  constructor(tree: Tree) {
    this.tree = tree;
    for (const name of ['info', 'updates', 'parts', 'triggers', 'alternatives'])
      tree.directory(`${ADMIN}/${name}`);
    for (const [name, text] of [
      ['status', ''],
      ['available', ''],
      ['info/format', '1\n'],
    ] as const)
      if (!tree.has(`${ADMIN}/${name}`)) tree.write(`${ADMIN}/${name}`, text);
  }

  private read(name: string): string {
    return this.tree.read(`${ADMIN}/${name}`) ?? '';
  }

  /** Every package in the status file. */
  installed(): readonly Installed[] {
    return this.read('status')
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

  /** Tells `ownership` what is installed already. */
  loadOwnership(ownership: Ownership): void {
    const { tree } = this;
    for (const { owner } of this.installed())
      for (const path of this.list(owner.id)) {
        const real = tree.existingEntry(path);
        if (real !== undefined)
          ownership.record(real, owner, tree.stat(real)?.isDirectory() ?? false);
      }
  }

  private list(id: string): readonly string[] {
    return this.read(`info/${id}.list`)
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
      if (STATE_FIELDS.test(field)) continue;
      lines.push(value.startsWith('\n') ? `${field}:${value}` : `${field}: ${value}`);
      if (field === 'Package') lines.push('Status: install ok unpacked');
    }
    if (conffiles.size > 0)
      lines.push('Conffiles:', ...[...conffiles].map(([path, md5]) => ` ${path} ${md5}`));
    this.tree.append(`${ADMIN}/status`, `${lines.join('\n')}\n\n`);
    this.tree.write(`${ADMIN}/info/${owner.id}.list`, `${paths.join('\n')}\n`);
    this.writeInfo(owner, control);
    this.registerTriggers(owner, control);
  }

  /** Puts a package's control members into `info/`; maintainer scripts run from there. */
  writeInfo(owner: Owner, control: ControlData): void {
    for (const [name, { bytes, executable }] of control.files) {
      if (NOT_KEPT.has(name)) continue;
      this.tree.write(`${ADMIN}/info/${owner.id}.${name}`, bytes, executable ? 0o755 : 0o644);
    }
  }

  /** Takes the paths (real paths) that other packages replaced out of the file lists. */
  applyLost(lost: ReturnType<Ownership['settle']>): void {
    for (const [id, gone] of lost) {
      const kept = this.read(`info/${id}.list`)
        .split('\n')
        .filter((line) => !gone.has(this.tree.existingEntry(line.slice(1)) ?? ''));
      this.tree.write(`${ADMIN}/info/${id}.list`, kept.join('\n'));
    }
  }

  /** What `package` declares in its `triggers` member (deb-triggers(5)). */
  private registerTriggers(owner: Owner, control: ControlData): void {
    for (const [directive, name] of triggerLines(control)) {
      const [verb, manner] = directive.split('-') as [string, string | undefined];
      if (verb === 'interest') {
        const who = manner === 'noawait' ? `${owner.id}/noawait` : owner.id;
        if (name.startsWith('/')) this.tree.append(`${ADMIN}/triggers/File`, `${name} ${who}\n`);
        else this.tree.append(`${ADMIN}/triggers/${name}`, `${who}\n`);
      }
    }
  }

  /** Paths that somebody is interested in, from `triggers/File`. */
  private fileInterests(): ReadonlySet<string> {
    return new Set(
      this.read('triggers/File')
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
    const known = new Set(this.tree.list(`${ADMIN}/triggers`));
    const lines = [...names]
      .filter((name) => name.startsWith('/') || known.has(name))
      .sort()
      .map((name) => `${name} -\n`);
    if (lines.length > 0) this.tree.append(`${ADMIN}/triggers/Unincorp`, lines.join(''));
  }

  /** What `dpkg-divert` moved, by real paths. */
  diversions(): readonly Diversion[] {
    const lines = this.read('diversions').split('\n');
    const real = (line: string | undefined): string => this.tree.entry((line ?? '').slice(1));
    const found: Diversion[] = [];
    for (let i = 0; i + 2 < lines.length; i += 3)
      found.push({ from: real(lines[i]), to: real(lines[i + 1]), by: lines[i + 2] ?? '' });
    return found;
  }
}

function triggerLines(control: ControlData): readonly (readonly [string, string])[] {
  const text = control.files.get('triggers')?.bytes.toString('utf8') ?? '';
  return text.split('\n').flatMap((line) => {
    const m = /^\s*(interest|activate)(-await|-noawait)?\s+(\S+)\s*$/.exec(line.replace(/#.*/, ''));
    if (!m?.[1] || !m[3]) return [];
    const named = /^[A-Za-z0-9][A-Za-z0-9+.:_-]*$/.test(m[3]) && !NO_TRIGGERS.has(m[3]);
    if (!named && !m[3].startsWith('/')) return [];
    return [[`${m[1]}${m[2] ?? ''}`, m[3]] as const];
  });
}
