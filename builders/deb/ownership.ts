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
  /** Paths that packages ship without leave to replace each other, until `settle`. */
  private readonly contested = new Map<string, Set<Owner>>();
  private lostPaths = new Map<string, Set<string>>();

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
    const [forward, backward] = [replaces(owner, current), replaces(current, owner)];
    if (forward && (!backward || current.id < owner.id)) {
      this.drop(current, path);
      return this.give(path, owner);
    }
    if (backward) this.drop(owner, path);
    else {
      const rivals = this.contested.get(path) ?? new Set();
      this.contested.set(path, rivals.add(current).add(owner));
    }
    return 'skip';
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
   * @throws VsecError BUILD120 for each path that two packages ship without leave
   */
  settle(): ReadonlyMap<string, ReadonlySet<string>> {
    const found: Diagnostic[] = [];
    for (const [path, rivals] of [...this.contested].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const winner = this.files.get(path) as Owner;
      for (const rival of [...rivals].sort((a, b) => (a.id < b.id ? -1 : 1)))
        if (rival.id === winner.id) continue;
        else if (replaces(winner, rival)) this.drop(rival, path);
        else found.push(collision(path, winner, rival));
    }
    if (found.length > 0) throw new VsecError(found.slice(0, 10));
    const lost = this.lostPaths;
    this.lostPaths = new Map();
    this.links.clear();
    for (const path of this.folders.keys()) this.settledFolders.add(path);
    return lost;
  }

  private give(path: string, owner: Owner): 'write' {
    this.files.set(path, owner);
    this.lostPaths.get(owner.id)?.delete(path);
    return 'write';
  }

  private drop(owner: Owner, path: string): void {
    const paths = this.lostPaths.get(owner.id) ?? new Set<string>();
    this.lostPaths.set(owner.id, paths.add(path));
  }
}

function collision(path: string, one: Owner, other: Owner): Diagnostic {
  const [a, b] = one.id < other.id ? [one, other] : [other, one];
  return error('BUILD120', `${a.name} and ${b.name} both ship /${path}`, {
    notes: [
      {
        message: `${a.name} ${a.version} does not declare that it replaces ${b.name} ${b.version}`,
      },
      { message: `nor does ${b.name} declare that it replaces ${a.name}` },
    ],
    hint: 'remove or exclude one of the two packages',
  });
}
