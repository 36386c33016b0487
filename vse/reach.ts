/** What the layers of this machine refer to: all that has to go along when one of them is published. */
import { resolve } from 'node:path';
import { VsecError } from './diagnostic.ts';
import { Findings } from './findings.ts';
import { hostFilesOf } from './host-files.ts';
import type { HostFile } from './host-files.ts';
import type { Layer } from './layer.ts';
import { link } from './link.ts';
import type { LinkOptions } from './link.ts';
import { locate, shippedBases, showFile } from './locate.ts';

export interface LocalLayer {
  readonly layer: Layer;
  /** Absolute. */
  readonly path: string;
  /** Local layers that it extends: as written, and where that is. */
  readonly extends: readonly { readonly reference: string; readonly path: string }[];
  readonly files: readonly HostFile[];
}

/**
 * The layer at `path` and those of this machine below it, lowest first; neither shipped nor
 * published ones, which everybody can have.
 * @throws VsecError with all that is wrong with them (exit code 2)
 */
export async function localLayers(
  path: string,
  options: LinkOptions,
): Promise<readonly LocalLayer[]> {
  const findings = new Findings();
  const location = {
    type: 'file',
    path: resolve(path),
    file: showFile(path, options.cwd),
  } as const;
  const { layers, whole } = await link(location, options, findings);
  if (findings.failed || !whole) throw new VsecError(findings.list, 2);
  return layers.flatMap((layer) =>
    layer.path === undefined || isShipped(layer.path) ? [] : [reachOf(layer, layer.path, options)],
  );
}

const isShipped = (path: string): boolean => resolve(path, '..') === shippedBases();

function reachOf(layer: Layer, path: string, options: LinkOptions): LocalLayer {
  const parents = layer.extends.flatMap(({ text, span }) => {
    const from = { directory: resolve(path, '..'), self: path, span };
    const base = locate(text, from, options, new Findings());
    return base?.type === 'file' && !isShipped(base.path)
      ? [{ reference: text, path: base.path }]
      : [];
  });
  return { layer, path, extends: parents, files: [...hostFilesOf(layer)] };
}
