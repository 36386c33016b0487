/** What belongs into the archive of a base, and under which names. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { error, misuse, VsecError, type Diagnostic } from '../../vse/diagnostic.ts';
import type { LocalLayer } from '../../vse/reach.ts';
import { isSafePath, type Tree } from './archive.ts';
import type { BaseConfig } from './base-config.ts';

export interface PackedBase {
  readonly tree: Tree;
  readonly config: BaseConfig;
}

/**
 * Paths stay as the layers have them, counted from the lowest folder that holds everything; so what
 * layers name has to be named relative to them.
 *
 * @param layers the base itself last
 * @throws REPO219 (exit code 2) no version, absolute paths, names that no archive can hold
 */
export function packBase(layers: readonly LocalLayer[]): PackedBase {
  const main = layers.at(-1);
  if (!main) throw misuse('REPO219', 'a base that is shipped with vsec is not published');
  const { name, version } = main.layer;
  if (version === undefined)
    throw misuse('REPO219', `'${name}' has no version, so it cannot be published`, {
      hint: `add a line like 'version: 2026.1' to ${main.layer.file}`,
    });
  const files = layers.flatMap((layer) => layer.files);
  refuseAbsolute(layers);
  const paths = [...layers.map(({ path }) => path), ...files.flatMap(({ path }) => below(path))];
  const top = commonFolder(paths);
  const inside = (path: string): string => relative(top, path).split(sep).join('/');
  const tree = new Map(paths.map((path) => [inside(path), path]));
  const bad = [...tree.keys()].find((path) => !isSafePath(path));
  if (bad !== undefined) throw misuse('REPO219', `'${bad}' is no name that a base can bring along`);
  const names = layers.flatMap((layer) =>
    layer.extends
      .filter(({ reference }) => !reference.startsWith('.'))
      .map(({ reference, path }) => [reference, inside(path)] as const),
  );
  names.sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    tree,
    config: {
      vsecBase: 1,
      ...{ name, version },
      main: inside(main.path),
      names: Object.fromEntries(names),
    },
  };
}

/** What is written as an absolute path means something on this machine only. */
function refuseAbsolute(layers: readonly LocalLayer[]): void {
  const problems: Diagnostic[] = [];
  for (const { layer, extends: parents, files } of layers) {
    const refuse = (path: string, span: Diagnostic['span']): void => {
      problems.push(
        error('REPO219', `'${path}' cannot be published: it is an absolute path`, {
          span,
          hint: 'put the file beside the layer and name it ./like-this',
        }),
      );
    };
    for (const { reference } of parents)
      if (isAbsolute(reference))
        refuse(reference, layer.extends.find(({ text }) => text === reference)?.span);
    for (const { path, span } of files)
      if (
        span.text
          ?.slice(span.column - 1)
          .replace(/^["']/, '')
          .startsWith('/')
      )
        refuse(path, span);
  }
  if (problems.length > 0) throw new VsecError(problems, 2);
}

/** The file, or all files of the folder. */
function below(path: string): string[] {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (cause) {
    throw misuse('VSE061', `There is no file '${path}'`, {
      notes: [{ message: (cause as Error).message }],
      hint: 'Relative paths start at the folder of the layer.',
    });
  }
  if (!isFolder) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.isFile())
    .flatMap((entry) => below(join(path, entry.name)));
}

function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0] ?? '/');
  for (const path of paths)
    while (folder !== '/' && !path.startsWith(folder + sep)) folder = dirname(folder);
  return folder;
}
