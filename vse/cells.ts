/** The merged options while layers are applied: a tree of cells by option path. */
import type { Path, Value } from './shape.ts';
import type { Origin, RequestRelation } from './types.ts';

export type Content =
  | {
      readonly type: 'value';
      readonly value: Value;
      /** As its layer wrote it. */
      readonly text: string;
      readonly invalid?: true;
    }
  /** An entry of a record: a user, a file. What is known of it hangs below. */
  | { readonly type: 'entry' }
  | {
      readonly type: 'request';
      readonly name: string;
      readonly architecture: string | undefined;
      /** By their spelling; grows while layers add to it. */
      readonly relations: Map<string, RequestRelation>;
    };

export interface Held {
  readonly content: Content;
  /** Newest last. */
  readonly origins: Origin[];
  /** Index of the lowest layer that gave it. */
  readonly layer: number;
}

/** One place in the tree; it may hold something, have something below it, or both. */
export class Cell {
  held: Held | undefined;
  readonly children = new Map<string, Cell>();

  at(path: Path): Cell | undefined {
    return path.reduce<Cell | undefined>((cell, key) => cell?.children.get(key), this);
  }

  /** The cell at `path`, made when there is none. */
  make(path: Path): Cell {
    return path.reduce<Cell>((cell, key) => {
      const next = cell.children.get(key) ?? new Cell();
      cell.children.set(key, next);
      return next;
    }, this);
  }

  /** Drops `path` and all below it, and the containers that this leaves empty. */
  drop(path: Path): void {
    const [key, ...rest] = path;
    const child = key === undefined ? undefined : this.children.get(key);
    if (key === undefined || !child) return;
    if (rest.length > 0) child.drop(rest);
    if (rest.length === 0 || (!child.held && child.children.size === 0)) this.children.delete(key);
  }

  /** Everything held here and below, depth first, in the order in which it was first given. */
  *walk(path: Path = []): Generator<{ readonly path: Path; readonly held: Held }> {
    if (this.held) yield { path, held: this.held };
    for (const [key, child] of this.children) yield* child.walk([...path, key]);
  }
}
