/** Which package owns which path: dpkg's rules for two packages that ship the same file. */
import { failure } from '../../vse/diagnostic.ts';
import { covers, parseRelations } from './control.ts';
import type { Fields } from './control.ts';

export interface Owner {
  /** `name` or `name:arch` for Multi-Arch: same, as the package database names it. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly multiArchSame: boolean;
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
    replaces: parseRelations(fields.get('Replaces')),
  };
}

const replaces = (a: Owner, b: Owner): boolean =>
  a.replaces.some((relation) => covers(relation, b.name, b.version));

/** The outcome does not depend on which of two packages asks first. */
export class Ownership {
  private readonly owners = new Map<string, Owner>();
  /** Paths that an owner lost to a replacing package, by owner id. */
  readonly lost = new Map<string, Set<string>>();

  /** May `owner` write the file at `path`? Throws when two packages collide without leave. */
  claim(path: string, owner: Owner): 'write' | 'skip' {
    const current = this.owners.get(path);
    if (!current || current.id === owner.id) {
      this.owners.set(path, owner);
      return 'write';
    }
    if (current.name === owner.name && current.multiArchSame && owner.multiArchSame) return 'skip';
    if (replaces(owner, current)) {
      this.owners.set(path, owner);
      this.drop(current, path);
      return 'write';
    }
    if (replaces(current, owner)) {
      this.drop(owner, path);
      return 'skip';
    }
    throw failure('BUILD120', `${owner.name} and ${current.name} both ship /${path}`, {
      notes: [
        {
          message: `${owner.name} ${owner.version} does not declare that it replaces ${current.name} ${current.version}, nor the reverse`,
        },
      ],
      hint: `remove or exclude one of the two packages`,
    });
  }

  /** Records a path of an earlier stage. */
  record(path: string, owner: Owner): void {
    this.owners.set(path, owner);
  }

  private drop(owner: Owner, path: string): void {
    const paths = this.lost.get(owner.id) ?? new Set<string>();
    paths.add(path);
    this.lost.set(owner.id, paths);
  }
}
