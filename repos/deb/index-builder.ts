/** Makes the compact form of a Packages file; see index-file.ts. */
import { failure } from '../../vse/diagnostic.ts';
import { hashName, IndexFile } from './index-file.ts';
import { forEachName, KEPT_FIELDS, readStanzas, type Stanza } from './packages-file.ts';

/**
 * Fields that mention other packages, in the order in which apt meets the names: where two
 * providers are equal in everything else, the one whose name was met last is preferred.
 */
const NAMING_FIELDS = [
  'pre-depends',
  'depends',
  'conflicts',
  'breaks',
  'recommends',
  'suggests',
  'replaces',
  'enhances',
  'provides',
] as const;

const REQUIRED_FIELDS = ['version', 'architecture', 'filename', 'size', 'sha256'] as const;

/** @throws SOLV110 a stanza lacks a field that every package must have. */
export async function buildIndex(path: string, signal?: AbortSignal): Promise<IndexFile> {
  const builder = new IndexBuilder(path);
  await readStanzas(path, (stanza) => builder.add(stanza), signal);
  return builder.finish();
}

/** The same of stanzas that are in no file. @param name for messages */
export function indexOf(stanzas: Iterable<Stanza>, name: string): IndexFile {
  const builder = new IndexBuilder(name);
  for (const stanza of stanzas) builder.add(stanza);
  return builder.finish();
}

class IndexBuilder {
  readonly #path: string;
  readonly #names = new Map<string, number>();
  readonly #packageNames: number[] = [];
  readonly #recordEnds: number[] = [];
  readonly #essential: number[] = [];
  /** Pairs: name, package. */
  readonly #provides: [number, number][] = [];
  #records = Buffer.allocUnsafe(1 << 20);
  #recordsLength = 0;

  constructor(path: string) {
    this.#path = path;
  }

  add(stanza: Stanza): void {
    const name = stanza.get('package');
    const missing = REQUIRED_FIELDS.find((field) => !stanza.get(field));
    if (!name || missing !== undefined)
      throw failure(
        'SOLV110',
        `malformed package index: ${name ?? 'a package'} has no ${name ? missing : 'name'}`,
        {
          notes: [{ message: `in ${this.#path}, package ${this.#packageNames.length + 1}` }],
          hint: 'the repository is broken; use another mirror or tell its maintainers',
        },
      );
    const index = this.#packageNames.length;
    this.#packageNames.push(this.#number(name));
    for (const field of NAMING_FIELDS) {
      const value = stanza.get(field);
      if (value) forEachName(value, (mentioned) => this.#number(mentioned));
    }
    forEachName(stanza.get('provides') ?? '', (provided) =>
      this.#provides.push([this.#number(provided), index]),
    );
    if (stanza.get('essential') === 'yes') this.#essential.push(index);
    this.#write(KEPT_FIELDS.map((field) => keptValue(stanza, field)).join('\n') + '\n');
    this.#recordEnds.push(this.#recordsLength);
  }

  finish(): IndexFile {
    const names = [...this.#names.keys()];
    const byName = group(
      names.length,
      this.#packageNames.map((name, index) => [name, index]),
    );
    const providers = group(names.length, this.#provides);
    let end = 0;
    return new IndexFile({
      names: Buffer.from(names.join(''), 'latin1'),
      nameEnds: Uint32Array.from(names, (name) => (end += name.length)),
      nameTable: hashTable(names),
      packageStarts: byName.starts,
      packagesByName: byName.values,
      providerStarts: providers.starts,
      providersByName: providers.values,
      packageNames: Uint32Array.from(this.#packageNames),
      records: this.#records.subarray(0, this.#recordsLength),
      recordEnds: Uint32Array.from(this.#recordEnds),
      essential: Uint32Array.from(this.#essential),
    });
  }

  #number(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    // A copy of its own: a slice would keep the whole piece of the file that it was cut from.
    this.#names.set(Buffer.from(name, 'latin1').toString('latin1'), this.#names.size);
    return this.#names.size - 1;
  }

  #write(text: string): void {
    if (this.#recordsLength + text.length > this.#records.length) {
      const larger = Buffer.allocUnsafe(this.#records.length * 2);
      this.#records.copy(larger, 0, 0, this.#recordsLength);
      this.#records = larger;
    }
    this.#recordsLength += this.#records.write(text, this.#recordsLength, 'latin1');
  }
}

function keptValue(stanza: Stanza, field: (typeof KEPT_FIELDS)[number]): string {
  // The field had another name before dpkg and apt agreed on this one.
  if (field === 'protected') return stanza.get('protected') ?? stanza.get('important') ?? '';
  return stanza.get(field) ?? '';
}

/** Values by key, in their order, as one array and where each key's begin. */
function group(
  keys: number,
  pairs: readonly (readonly [key: number, value: number])[],
): { starts: Uint32Array; values: Uint32Array } {
  const starts = new Uint32Array(keys + 1);
  for (const [key] of pairs) starts[key + 1]! += 1;
  for (let key = 0; key < keys; key++) starts[key + 1]! += starts[key]!;
  const next = starts.slice();
  const values = new Uint32Array(pairs.length);
  for (const [key, value] of pairs) values[next[key]!++] = value;
  return { starts, values };
}

function hashTable(names: readonly string[]): Uint32Array {
  let capacity = 16;
  while (capacity < names.length * 2) capacity *= 2;
  const table = new Uint32Array(capacity);
  names.forEach((name, number) => {
    let at = hashName(name) & (capacity - 1);
    while (table[at] !== 0) at = (at + 1) & (capacity - 1);
    table[at] = number + 1;
  });
  return table;
}
