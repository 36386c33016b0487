/** Reading of Packages files: binary package stanzas, deb822(5), of which we keep some fields. */
import { createReadStream } from 'node:fs';

/** The fields that are kept of a stanza, by their names in lower case. */
export const KEPT_FIELDS = [
  'version',
  'architecture',
  'multi-arch',
  'essential',
  'protected',
  'priority',
  'section',
  'source',
  'pre-depends',
  'depends',
  'recommends',
  'conflicts',
  'breaks',
  'provides',
  'filename',
  'size',
  'installed-size',
  'sha256',
] as const;

export type KeptField = (typeof KEPT_FIELDS)[number];

/** The fields that are only looked at, for the names in them. */
const SEEN_FIELDS = ['package', 'important', 'suggests', 'replaces', 'enhances'] as const;

export type SeenField = KeptField | (typeof SEEN_FIELDS)[number];

/** Field → value; continuation lines are joined by a space. Other fields are passed over. */
export type Stanza = ReadonlyMap<SeenField, string>;

const CHUNK = 1 << 20;

/**
 * Calls `visit` for each stanza of a Packages file, in order, and reads the file only once and in
 * pieces. Bytes are read as Latin-1, so that they can be written back as they were.
 */
export async function readStanzas(
  path: string,
  visit: (stanza: Stanza) => void,
  signal?: AbortSignal,
): Promise<void> {
  const reader = new StanzaReader(visit);
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK, signal }))
    reader.push((chunk as Buffer).toString('latin1'));
  reader.end();
}

class StanzaReader {
  readonly #visit: (stanza: Stanza) => void;
  /** As they are spelt in the file; undefined for those that are passed over. */
  readonly #spellings = new Map<string, SeenField | undefined>();
  #fields = new Map<SeenField, string>();
  #field: SeenField | undefined;
  #rest = '';

  constructor(visit: (stanza: Stanza) => void) {
    this.#visit = visit;
  }

  push(chunk: string): void {
    const text = this.#rest + chunk;
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.#line(text, start, end);
      start = end + 1;
    }
    this.#rest = text.slice(start);
  }

  end(): void {
    if (this.#rest !== '') this.#line(this.#rest, 0, this.#rest.length);
    this.#finish();
  }

  #line(text: string, start: number, lineEnd: number): void {
    const end = text[lineEnd - 1] === '\r' ? lineEnd - 1 : lineEnd;
    if (start >= end) return this.#finish();
    if (text[start] === ' ' || text[start] === '\t') {
      if (this.#field === undefined) return;
      const more = text.slice(start, end).trim();
      const before = this.#fields.get(this.#field);
      this.#fields.set(this.#field, before ? `${before} ${more}` : more);
      return;
    }
    const colon = text.indexOf(':', start);
    if (colon <= start || colon >= end) return;
    this.#field = this.#seenField(text.slice(start, colon));
    if (this.#field !== undefined) this.#fields.set(this.#field, text.slice(colon + 1, end).trim());
  }

  #seenField(spelling: string): SeenField | undefined {
    if (this.#spellings.has(spelling)) return this.#spellings.get(spelling);
    const name = spelling.toLowerCase();
    const field = [...KEPT_FIELDS, ...SEEN_FIELDS].find((seen) => seen === name);
    this.#spellings.set(spelling, field);
    return field;
  }

  #finish(): void {
    if (this.#fields.size > 0) this.#visit(this.#fields);
    this.#fields = new Map();
    this.#field = undefined;
  }
}

/** Calls `visit` for each package name in a relation field, in order, without parsing the rest. */
export function forEachName(field: string, visit: (name: string) => void): void {
  for (let start = 0; start < field.length;) {
    while (field[start] === ' ') start += 1;
    let end = start;
    while (end < field.length && !NAME_END.has(field[end]!)) end += 1;
    if (end > start) visit(field.slice(start, end));
    while (end < field.length && field[end] !== ',' && field[end] !== '|') end += 1;
    start = end + 1;
  }
}

const NAME_END = new Set(' :(,|');
