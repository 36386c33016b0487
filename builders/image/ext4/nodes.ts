/** The files of a tree with their inode numbers and the names that they have. */
import { NO_DEVICE, type TarEntry } from '../tar-entries.ts';
import { FIRST_INODE } from './geometry.ts';

export const ROOT_INODE = 2;

export interface Node {
  readonly ino: number;
  readonly entry: TarEntry;
  /** Of a folder: what it holds, in the tar's order. */
  readonly children: readonly Child[];
  /** Of a folder: the one that it is in; the root is in itself. */
  readonly parent: number;
  /** How many names it has, a folder's `.` and its folders' `..` among them. */
  readonly links: number;
}

export interface Child {
  /** One character for each byte. */
  readonly name: string;
  readonly node: Node;
}

interface Growing extends Node {
  readonly children: Child[];
  parent: number;
  links: number;
}

const LOST_AND_FOUND = 'lost+found';

/** A folder that the tar has not, of the time `seconds`. */
const folder = (path: string, mode: number, seconds: number): TarEntry => ({
  ...{ path, kind: 'directory', mode, uid: 0, gid: 0, size: 0, offset: 0, target: '' },
  mtime: { seconds, nanoseconds: 0 },
  device: NO_DEVICE,
});

/**
 * The nodes of a tar's `entries` in the order of their numbers: the root, lost+found, and the others
 * as the tar has them. `epoch`: the time of a folder that is missing there, in seconds.
 */
export function nodesOf(entries: Iterable<TarEntry>, epoch: number): readonly Node[] {
  const byPath = new Map<string, Growing>();
  const nodes: Growing[] = [];
  const name = (path: string, node: Growing): Growing => {
    const slash = path.lastIndexOf('/');
    const above = byPath.get(path.slice(0, Math.max(slash, 0)));
    if (above === undefined) throw new Error(`${path} comes before its folder`);
    above.children.push({ name: path.slice(slash + 1), node });
    return above;
  };
  const create = (ino: number, entry: TarEntry): Growing => {
    const links = entry.kind === 'directory' ? 2 : 1;
    const node: Growing = { ino, entry, children: [], parent: ino, links };
    byPath.set(entry.path, node);
    nodes.push(node);
    return node;
  };
  const add = (ino: number, entry: TarEntry): void => {
    const node = create(ino, entry);
    const above = name(entry.path, node);
    node.parent = above.ino;
    if (entry.kind === 'directory') above.links++;
  };
  const begin = (root: TarEntry): void => {
    create(ROOT_INODE, root);
    add(FIRST_INODE, folder(LOST_AND_FOUND, 0o700, epoch));
  };
  for (const entry of entries) {
    const isRoot = entry.path === '';
    if (nodes.length === 0) begin(isRoot ? entry : folder('', 0o755, epoch));
    if (isRoot || entry.path === LOST_AND_FOUND) continue;
    if (entry.kind !== 'link') {
      add(FIRST_INODE + nodes.length - 1, entry);
      continue;
    }
    const node = byPath.get(entry.target);
    if (!node) throw new Error(`${entry.path} names ${entry.target}, which is not there`);
    name(entry.path, node);
    node.links++;
  }
  if (nodes.length === 0) begin(folder('', 0o755, epoch));
  return nodes;
}
