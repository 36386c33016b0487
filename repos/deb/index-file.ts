/**
 * A Packages file in compact form: made once, then looked into without being parsed again. One
 * buffer of sections, found by the table of contents at its start:
 *
 *     magic (8 bytes) | length of the contents (u32) | contents (JSON) | sections, 4-byte aligned
 *
 * Packages and names are numbered from 0; names in the order in which the file first mentions
 * them. Numbers are in the byte order of the machine that made the file: it is a cache.
 */
import { KEPT_FIELDS, type KeptField } from './packages-file.ts';

export const MAGIC = 'VSECIDX1';

export interface Sections {
  /** Name texts, one after the other, and where each one ends. */
  readonly names: Uint8Array;
  readonly nameEnds: Uint32Array;
  /** Open addressing by {@link hashName}: number of the name + 1, or 0. */
  readonly nameTable: Uint32Array;
  /** For each name, where its packages begin in `packagesByName`; one entry more at the end. */
  readonly packageStarts: Uint32Array;
  readonly packagesByName: Uint32Array;
  /** The same for the packages that provide it. */
  readonly providerStarts: Uint32Array;
  readonly providersByName: Uint32Array;
  /** Name of each package. */
  readonly packageNames: Uint32Array;
  /** Values of KEPT_FIELDS, each followed by a newline, and where each package's end. */
  readonly records: Uint8Array;
  readonly recordEnds: Uint32Array;
  readonly essential: Uint32Array;
}

export const SECTION_NAMES = [
  'names',
  'nameEnds',
  'nameTable',
  'packageStarts',
  'packagesByName',
  'providerStarts',
  'providersByName',
  'packageNames',
  'records',
  'recordEnds',
  'essential',
] as const satisfies readonly (keyof Sections)[];

const BYTE_SECTIONS: ReadonlySet<keyof Sections> = new Set(['names', 'records'] as const);

/** FNV-1a over the bytes of a name. */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash ^= name.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** The values of a package's kept fields; empty where it has none. */
export type PackageRecord = Readonly<Record<KeptField, string>>;

export class IndexFile {
  readonly #sections: Sections;

  constructor(sections: Sections) {
    this.#sections = sections;
  }

  /** @returns undefined when the buffer is not a whole index file of this format. */
  static parse(buffer: Buffer): IndexFile | undefined {
    const length = buffer.length >= 12 ? buffer.readUInt32LE(8) : 0;
    if (buffer.toString('latin1', 0, 8) !== MAGIC || 12 + length > buffer.length) return undefined;
    const contents = readContents(buffer.toString('latin1', 12, 12 + length));
    if (contents?.size !== buffer.length) return undefined;
    const bytes = buffer.byteOffset % 4 === 0 ? buffer : Buffer.from(new Uint8Array(buffer));
    const section = (name: keyof Sections): Uint8Array | Uint32Array => {
      const [offset, size] = contents.sections[name];
      const at = bytes.byteOffset + offset;
      return BYTE_SECTIONS.has(name)
        ? new Uint8Array(bytes.buffer, at, size)
        : new Uint32Array(bytes.buffer, at, size / 4);
    };
    const sections = Object.fromEntries(SECTION_NAMES.map((name) => [name, section(name)]));
    return new IndexFile(sections as unknown as Sections);
  }

  /** The pieces of the file, to be written one after the other. */
  serialise(): Uint8Array[] {
    const views = SECTION_NAMES.map((name) => {
      const { buffer, byteOffset, byteLength } = this.#sections[name];
      return new Uint8Array(buffer, byteOffset, byteLength);
    });
    let header: Buffer = Buffer.alloc(0);
    // The contents hold offsets that depend on their own length: it settles after two rounds.
    for (let round = 0; round < 3; round++) header = headerFor(views, header.length);
    return [header, ...views.flatMap((view) => [view, new Uint8Array(-view.length & 3)])];
  }

  get packageCount(): number {
    return this.#sections.packageNames.length;
  }

  get nameCount(): number {
    return this.#sections.nameEnds.length;
  }

  get essential(): Iterable<number> {
    return this.#sections.essential;
  }

  nameText(name: number): string {
    const { names, nameEnds } = this.#sections;
    const start = name === 0 ? 0 : nameEnds[name - 1]!;
    return latin1(names, start, nameEnds[name]!);
  }

  findName(text: string): number | undefined {
    const { nameTable } = this.#sections;
    const mask = nameTable.length - 1;
    for (let at = hashName(text) & mask; nameTable[at] !== 0; at = (at + 1) & mask)
      if (this.nameText(nameTable[at]! - 1) === text) return nameTable[at]! - 1;
    return undefined;
  }

  packagesNamed(name: number): Uint32Array {
    const { packageStarts, packagesByName } = this.#sections;
    return packagesByName.subarray(packageStarts[name], packageStarts[name + 1]);
  }

  providersOf(name: number): Uint32Array {
    const { providerStarts, providersByName } = this.#sections;
    return providersByName.subarray(providerStarts[name], providerStarts[name + 1]);
  }

  nameOfPackage(index: number): string {
    return this.nameText(this.#sections.packageNames[index]!);
  }

  record(index: number): PackageRecord {
    const { records, recordEnds } = this.#sections;
    const start = index === 0 ? 0 : recordEnds[index - 1]!;
    const values = latin1(records, start, recordEnds[index]!).split('\n');
    const record: Partial<Record<KeptField, string>> = {};
    KEPT_FIELDS.forEach((field, i) => (record[field] = values[i] ?? ''));
    return record as PackageRecord;
  }
}

interface Contents {
  /** Bytes of the whole file. */
  readonly size: number;
  /** Offset and length in bytes. */
  readonly sections: Readonly<Record<keyof Sections, readonly [number, number]>>;
}

function readContents(json: string): Contents | undefined {
  try {
    return JSON.parse(json) as Contents;
  } catch {
    return undefined;
  }
}

function headerFor(views: readonly Uint8Array[], headerLength: number): Buffer {
  let offset = headerLength;
  const sections = views.map((view, i) => {
    const entry = [SECTION_NAMES[i], [offset, view.length]] as const;
    offset += view.length + (-view.length & 3);
    return entry;
  });
  let json = JSON.stringify({ size: offset, sections: Object.fromEntries(sections) });
  json = json.padEnd(json.length + (-json.length & 3));
  const header = Buffer.alloc(12 + json.length);
  header.write(MAGIC, 'latin1');
  header.writeUInt32LE(json.length, 8);
  header.write(json, 12, 'latin1');
  return header;
}

const latin1 = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, end);
