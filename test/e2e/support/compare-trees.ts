/** Two trees, file by file, and reasons for what is not the same. */
import type { TarTree, TreeEntry } from './tar-tree.ts';

/** `missing`: the peer alone has it; `extra`: we alone have it; else what of it is different. */
export type Kind =
  'missing' | 'extra' | 'type' | 'mode' | 'owner' | 'content' | 'link' | 'capability' | 'mtime';

export interface Difference {
  readonly path: string;
  readonly kind: Kind;
  readonly ours: TreeEntry | undefined;
  readonly theirs: TreeEntry | undefined;
}

export interface Explanation {
  readonly path: RegExp;
  readonly kinds: readonly Kind[];
  readonly because: string;
  /** Is it really that? Without, the pattern alone explains. */
  readonly proof?: (difference: Difference) => boolean;
}

/** Names of users and groups by number, from a tree's own account files. */
function names(tree: TarTree, file: string): ReadonlyMap<number, string> {
  const text = tree.get(file)?.content?.toString() ?? '';
  const rows = text.split('\n').map((line) => line.split(':'));
  return new Map(rows.map((row) => [Number(row[2]), row[0] ?? '']));
}

/** `user:group` of an entry: numbers are given in the order in which packages are configured. */
function owners(tree: TarTree): (entry: TreeEntry) => string {
  const users = names(tree, '/etc/passwd');
  const groups = names(tree, '/etc/group');
  return ({ uid, gid }) => `${users.get(uid) ?? uid}:${groups.get(gid) ?? gid}`;
}

/** Every difference between two trees; the content of the account files must have been kept. */
export function differences(ours: TarTree, theirs: TarTree): readonly Difference[] {
  const [ourOwner, theirOwner] = [owners(ours), owners(theirs)];
  const found: Difference[] = [];
  for (const path of [...new Set([...ours.keys(), ...theirs.keys()])].sort()) {
    const [a, b] = [ours.get(path), theirs.get(path)];
    const add = (kind: Kind): number => found.push({ path, kind, ours: a, theirs: b });
    if (!a) add('missing');
    else if (!b) add('extra');
    else {
      if (a.type !== b.type) add('type');
      if (a.mode !== b.mode) add('mode');
      if (ourOwner(a) !== theirOwner(b)) add('owner');
      if (a.sha256 !== b.sha256) add('content');
      if (a.type === 'symlink' && a.link !== b.link) add('link');
      if (a.capability !== b.capability) add('capability');
      if (a.mtime !== b.mtime) add('mtime');
    }
  }
  return found;
}

/** The differences that no row of `table` explains, as lines to read. */
export function unexplained(
  found: readonly Difference[],
  table: readonly Explanation[],
): readonly string[] {
  const explained = (difference: Difference): boolean =>
    table.some(
      ({ path, kinds, proof }) =>
        kinds.includes(difference.kind) &&
        path.test(difference.path) &&
        (proof?.(difference) ?? true),
    );
  const brief = (entry: TreeEntry | undefined): string =>
    entry
      ? `${entry.type} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${entry.size} B @${entry.mtime} ${entry.link}`.trim()
      : 'nothing';
  return found
    .filter((difference) => !explained(difference))
    .map(({ path, kind, ours, theirs }) => `${kind} ${path}: ${brief(ours)} / ${brief(theirs)}`);
}

const lines = (entry: TreeEntry | undefined): readonly string[] =>
  (entry?.content?.toString() ?? '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');

/** Both files hold the same lines after `simplify`, in whatever order. */
export const sameLines =
  (simplify: (line: string) => string = (line) => line) =>
  ({ ours, theirs }: Difference): boolean => {
    const [a, b] = [ours, theirs].map((entry) => lines(entry).map(simplify).sort().join('\n'));
    return a !== '' && a === b;
  };
