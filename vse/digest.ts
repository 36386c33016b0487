/** The digests of a merged VSE: over values, never over where they came from. */
import { createHash } from 'node:crypto';
import type { HostFiles } from './host-files.ts';
import { showRelation } from './relation.ts';
import type { Vse } from './types.ts';

type Values = Pick<Vse, 'name' | 'version' | 'config' | 'packages' | 'excluded'>;

/**
 * `sha256:…`. Of host files the contents count and not the paths, so that a checkout elsewhere has
 * the same digest. `tree` leaves out what cannot change the file tree.
 */
export function vseDigest(values: Values, hostFiles: HostFiles, what: 'whole' | 'tree'): string {
  const { name, version, packages, excluded } = values;
  const contents = (path: string): string => hostFiles.get(path)?.sha256 ?? path;
  const { machine, backends, image, repositories, files, kernel, ...rest } = values.config;
  const tree = {
    ...rest,
    filesystem: image.filesystem,
    repositories: mapValues(repositories, (r) => ({
      ...r,
      signedBy: r.signedBy.map(contents).sort(),
    })),
    files: mapValues(files, (f) => (f.source ? { ...f, source: f.source.sha256 } : f)),
    kernel: {
      ...kernel,
      image: kernel.image && contents(kernel.image),
      modules: kernel.modules && contents(kernel.modules),
      initrd: kernel.initrd && contents(kernel.initrd),
    },
  };
  const value = {
    name,
    version,
    packages: packages.map((p) => [p.name, p.architecture, p.relations.map(showRelation).sort()]),
    excluded: excluded.map((e) => e.name),
    config: what === 'tree' ? tree : { ...tree, image, machine, backends },
  };
  return `sha256:${createHash('sha256').update(canonicalJson(value)).digest('hex')}`;
}

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  change: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

/** JSON with keys in order and nothing that is undefined. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) =>
    v !== null && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
}
