// The environments that are built: variants of one example, each locked.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';

/** Copies the example at `example` with its folder to `folder`; returns its path there. */
export function copyExample(example, folder) {
  rmSync(folder, { recursive: true, force: true });
  cpSync(dirname(example), folder, { recursive: true });
  const file = join(folder, example.slice(dirname(example).length + 1));
  rmSync(file.replace(/\.yaml$/, '.lock.json'), { force: true });
  return file;
}

/** The environment at `file` under another name, with `packages` more; returns its path. */
export function variant(file, name, packages) {
  const layer = parseDocument(readFileSync(file, 'utf8'));
  layer.set('name', name);
  const list = layer.getIn(['add', 'packages']);
  for (const extra of packages)
    if (list) list.add(extra);
    else layer.setIn(['add', 'packages'], [extra]);
  const path = join(dirname(file), `${name}.yaml`);
  writeFileSync(path, layer.toString());
  return path;
}

/** Requests whose closures on Debian 12 are 69, 161, 286, 545, 1103 and about 2,000 packages. */
export const SIZES = [
  { name: 'size-1', base: 'debian-12-repositories', packages: [] },
  { name: 'size-2', base: 'debian-12', packages: [] },
  { name: 'size-3', base: 'debian-12-hpc', packages: [] },
  { name: 'size-4', base: 'debian-12-hpc', packages: ['r-base', 'python3-scipy', 'octave'] },
  { name: 'size-5', base: 'debian-12-hpc', packages: ['kde-standard'] },
  {
    name: 'size-6',
    base: 'debian-12-hpc',
    packages: ['kde-full', 'gnome', 'libreoffice', 'r-base', 'octave'],
  },
];

/** Writes an environment of its own; returns its path. */
export function plain(folder, { name, base, packages }) {
  const path = join(folder, `${name}.yaml`);
  const add = packages.length > 0 ? `add:\n  packages: [${packages.join(', ')}]\n` : '';
  writeFileSync(path, `vse: 1\nname: ${name}\nversion: 1.0.0\nextends: ${base}\n${add}`);
  return path;
}
