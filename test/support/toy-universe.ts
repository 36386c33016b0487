/** A few lines of text as a universe of Debian packages, by way of the real index reader. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIndex } from '../../repos/deb/index-builder.ts';
import type { DebSource } from '../../repos/deb/package-table.ts';
import { DebUniverse } from '../../repos/deb/universe.ts';

export interface ToySource {
  readonly suite?: string;
  readonly priority?: number;
  readonly packages: string;
}

/**
 * Each line is a package: `name version [architecture]; Field: value; …`. Empty lines are passed
 * over. Architecture `amd64`, priority `optional` where nothing is said.
 */
export async function toyUniverse(...sources: (string | ToySource)[]): Promise<DebUniverse> {
  const loaded: DebSource[] = [];
  for (const source of sources) {
    const { suite = 'toy', priority = 500, packages } = toSource(source);
    const folder = await mkdtemp(join(tmpdir(), 'vsec-toy-'));
    try {
      const path = join(folder, 'Packages');
      await writeFile(path, toStanzas(packages));
      loaded.push({ repository: 'toys', suite, priority, index: await buildIndex(path) });
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  return new DebUniverse(loaded, 'amd64');
}

const toSource = (source: string | ToySource): ToySource =>
  typeof source === 'string' ? { packages: source } : source;

export function toStanzas(packages: string): string {
  const lines = packages.split('\n').filter((line) => line.trim() !== '');
  return lines.map(toStanza).join('\n\n') + '\n';
}

function toStanza(line: string): string {
  const [head = '', ...fields] = line.split(';').map((part) => part.trim());
  const [name = '', version = '1', architecture = 'amd64'] = head.split(/\s+/);
  const given = new Map(fields.map((field) => [field.slice(0, field.indexOf(':')), field]));
  const defaults = {
    Package: name,
    Version: version,
    Architecture: architecture,
    Priority: 'optional',
    Filename: `pool/${name}_${version}_${architecture}.deb`,
    Size: '1000',
    'Installed-Size': '10',
    SHA256: Buffer.from(`${name} ${version} ${architecture}`)
      .toString('hex')
      .padEnd(64, '0')
      .slice(-64),
  };
  for (const [field, value] of Object.entries(defaults))
    if (!given.has(field)) given.set(field, `${field}: ${value}`);
  return [...given.values()].join('\n');
}
