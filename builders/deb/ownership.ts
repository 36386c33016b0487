/** Which package owns which path: dpkg's rules for two packages that ship the same file. */
import { VsecError, error } from '../../vse/diagnostic.ts';
import type { Diagnostic } from '../../vse/diagnostic.ts';
import { covers, parseRelations } from './control.ts';
import type { Fields } from './control.ts';

export interface Owner {
  /** `name` or `name:arch` for Multi-Arch: same, as the package database names it. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly multiArchSame: boolean;
  readonly essential: boolean;
  readonly replaces: ReturnType<typeof parseRelations>;
}

export function ownerOf(fields: Fields): Owner {
  const name = fields.get('Package') ?? '';
  const multiArchSame = fields.get('Multi-Arch') === 'same';
  return {
    id: multiArchSame ? `${name}:${fields.get('Architecture')}` : name,
    name,
    version: fields.get('Version') ?? '',
    multiArchSame,
    essential: fields.get('Essential') === 'yes',
    replaces: parseRelations(fields.get('Replaces')),
  };
}

const replaces = (a: Owner, b: Owner): boolean =>
  a.replaces.some((relation) => covers(relation, b.name, b.version));

/** How many collisions are told at once. */
const LISTED = 10;

/** Has `a` the file when both ship it? Of two that replace each other, dpkg unpacks `a` last. */
const beats = (a: Owner, b: Owner): boolean => replaces(a, b) && (b.id < a.id || !replaces(b, a));

/** Of two packages that ship one folder, does the first say what it is like? */
const precedes = (a: Owner, b: Owner): boolean =>
  a.essential === b.essential ? a.id < b.id : a.essential;

/**
 * The owners of a tree's paths while packages are unpacked into it in batches. Within a batch
 * they come in any order, and the outcome is always the same: every answer follows from who the
 * claimants are. Paths are real paths (see `Tree`).
 */
export class Ownership {
  private readonly files = new Map<string, Owner>();
  private readonly folders = new Map<string, Owner>();
  /** Folders whose owner comes from an earlier batch: it stays as it is. */
  private readonly settledFolders = new Set<string>();
  /** Links of this batch. */
  private readonly links = new Map<string, Owner>();
  /** Paths that several packages ship, until `settle`. */
  private readonly contested = new Map<string, Set<Owner>>();

  /** Records a path of an earlier stage. */
  record(path: string, owner: Owner, folder: boolean): void {
    if (folder) this.settledFolders.add(path);
    else this.files.set(path, owner);
  }

  /** The file at `from` was moved to `to` by a diversion of the package `by`. */
  divert(from: string, to: string, by: string): void {
    const owner = this.files.get(from);
    if (!owner || owner.name === by || this.files.has(to)) return;
    this.files.delete(from);
    this.files.set(to, owner);
  }

  /** May `owner` write the file at `path`? What it may not replace shows in `settle`. */
  claim(path: string, owner: Owner): 'write' | 'skip' {
    const current = this.files.get(path);
    if (!current || current.id === owner.id) return this.give(path, owner);
    if (current.name === owner.name && current.multiArchSame && owner.multiArchSame)
      return owner.id < current.id ? this.give(path, owner) : 'skip';
    const rivals = this.contested.get(path) ?? new Set();
    this.contested.set(path, rivals.add(current).add(owner));
    return beats(owner, current) ? this.give(path, owner) : 'skip';
  }

  /** Notes that `owner` ships the link at `path`. */
  shipsLink(path: string, owner: Owner): void {
    this.links.set(path, owner);
  }

  /** The package other than `owner` that shipped a link at `path` in this batch. */
  foreignLink(path: string, owner: Owner): Owner | undefined {
    const found = this.links.get(path);
    return found && found.id !== owner.id ? found : undefined;
  }

  /** May `owner` set mode and owner of the folder at `path`? */
  claimFolder(path: string, owner: Owner): boolean {
    if (this.settledFolders.has(path)) return false;
    const current = this.folders.get(path);
    if (current && current.id !== owner.id && !precedes(owner, current)) return false;
    this.folders.set(path, owner);
    return true;
  }

  /**
   * Ends a batch. Returns the paths that packages lost to others in it, by owner id.
   * @throws VsecError BUILD120 for each path that packages ship without leave
   */
  settle(): ReadonlyMap<string, ReadonlySet<string>> {
    const found: Diagnostic[] = [];
    const lost = new Map<string, Set<string>>();
    for (const [path, rivals] of [...this.contested].sort(([a], [b]) => (a < b ? -1 : 1))) {
      // Whoever beats all the others has it by now.
      const winner = this.files.get(path) as Owner;
      const others = [...rivals].filter((rival) => rival.id !== winner.id);
      if (others.every((other) => beats(winner, other)))
        for (const { id } of others) lost.set(id, (lost.get(id) ?? new Set()).add(path));
      else found.push(collision(path, rivals));
    }
    if (found.length > 0) throw new VsecError(found.slice(0, LISTED));
    this.contested.clear();
    this.links.clear();
    for (const path of this.folders.keys()) this.settledFolders.add(path);
    return lost;
  }

  private give(path: string, owner: Owner): 'write' {
    this.files.set(path, owner);
    return 'write';
  }
}

function collision(path: string, rivals: ReadonlySet<Owner>): Diagnostic {
  const list = [...rivals].sort((a, b) => (a.id < b.id ? -1 : 1));
  const names = list.map(({ name }) => name);
  return error('BUILD120', `${names.slice(0, -1).join(', ')} and ${names.at(-1)} ship /${path}`, {
    notes: list.map((one) => {
      const others = list.filter((other) => other !== one && replaces(one, other));
      const relation = others.map(({ name }) => name).join(', ') || 'none of the others';
      return { message: `${one.name} ${one.version} declares that it replaces ${relation}` };
    }),
    hint: 'remove or exclude all but one of them',
  });
}
