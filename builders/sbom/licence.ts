/**
 * What a package's `copyright` file says of its licences, as an SPDX expression. Only files in
 * the machine-readable format (DEP 5, "copyright-format 1.0") say anything that a program can
 * rely on.
 */
import { createHash } from 'node:crypto';
import ids from 'spdx-license-ids/index.json' with { type: 'json' };
import { parseParagraphs } from '../../repos/deb/deb822.ts';

/** A licence that SPDX has no identifier for, with its text. */
export interface OtherLicence {
  /** `LicenseRef-…`; follows from name and text. */
  readonly id: string;
  /** As the package calls it. */
  readonly name: string;
  readonly text: string;
}

export interface DeclaredLicence {
  /** SPDX licence expression (SPDX 2.3, annex D). */
  readonly expression: string;
  /** Those that the expression refers to. */
  readonly others: readonly OtherLicence[];
}

const FORMAT = /copyright-format|\bdep5?\b/i;

const KNOWN = new Map(ids.map((id) => [id.toLowerCase(), id]));

/** DEP 5's own names where SPDX has others. */
const RENAMED: Readonly<Record<string, string>> = {
  'apache-1': 'Apache-1.0',
  'apache-2': 'Apache-2.0',
  artistic: 'Artistic-1.0',
  'artistic-2': 'Artistic-2.0',
  cc0: 'CC0-1.0',
  expat: 'MIT',
};

const EXCEPTIONS: Readonly<Record<string, string>> = {
  'linux-syscall-note': 'Linux-syscall-note',
  llvm: 'LLVM-exception',
};

/** `GPL-2+` → `GPL-2.0-or-later`; `GFDL-NIV-1.3` → `GFDL-1.3-no-invariants-only`. */
function versioned(name: string): string | undefined {
  const m = /^(AGPL|GPL|LGPL|GFDL)(-NIV)?-(\d)(?:\.(\d))?(\+?)$/i.exec(name);
  if (!m) return undefined;
  const [, family = '', noInvariants, major, minor = '0', plus] = m;
  const version = `${family.toUpperCase()}-${major}.${minor}`;
  const which = `${noInvariants ? '-no-invariants' : ''}${plus ? '-or-later' : '-only'}`;
  return KNOWN.get(`${version}${which}`.toLowerCase());
}

/** The SPDX expression of one name without `and` and `or`. */
function identifier(name: string): string | undefined {
  const plain = RENAMED[name.toLowerCase()] ?? versioned(name) ?? KNOWN.get(name.toLowerCase());
  if (plain) return plain;
  const m = /^(\S+) with (\S+) exception$/i.exec(name);
  const exception = m?.[2] && EXCEPTIONS[m[2].toLowerCase()];
  const base = m?.[1] && identifier(m[1]);
  return base && exception ? `${base} WITH ${exception}` : undefined;
}

const COMMA_OR = /,\s+or\s+/i;
const COMMA_AND = /,\s+and\s+/i;
const OR = /\s+or\s+/i;
const AND = /\s+and\s+/i;

/** One `copyright` file while its licences are put together. */
class Reader {
  readonly others = new Map<string, OtherLicence>();
  private readonly texts: ReadonlyMap<string, string>;
  private readonly where: string;

  constructor(texts: ReadonlyMap<string, string>, where: string) {
    this.texts = texts;
    this.where = where;
  }

  private reference(name: string, specification: string): string {
    const text = this.texts.get(name) ?? this.texts.get(specification) ?? `See ${this.where}`;
    const digest = createHash('sha256').update(`${name}\0${text}`).digest('hex').slice(0, 8);
    const readable = name.replaceAll(/[^A-Za-z0-9.]+/g, '-').replaceAll(/^-|-$/g, '');
    const id = `LicenseRef-${readable}-${digest}`;
    this.others.set(id, { id, name, text });
    return id;
  }

  /**
   * The parts of a licence specification that all hold. `and` binds closer than `or`, and a comma
   * before either less close (copyright-format 1.0, "License specification").
   */
  conjuncts(specification: string, part = specification): readonly string[] {
    const deeper = (pattern: RegExp): readonly (readonly string[])[] =>
      part.split(pattern).map((inner) => this.conjuncts(specification, inner));
    const any = (pattern: RegExp): readonly string[] => {
      const choices = deeper(pattern).map((choice) => choice.join(' AND '));
      return [`(${[...new Set(choices)].join(' OR ')})`];
    };
    if (COMMA_OR.test(part)) return any(COMMA_OR);
    if (COMMA_AND.test(part)) return deeper(COMMA_AND).flat();
    if (OR.test(part)) return any(OR);
    if (AND.test(part)) return deeper(AND).flat();
    const name = part.trim();
    return [identifier(name) ?? this.reference(name, specification)];
  }
}

/** First line of a `License` field and the text below it. */
function licenceField(value: string): readonly [name: string, text: string] {
  const [name = '', ...text] = value.split('\n');
  const paragraphs = text.map((line) => (line === '.' ? '' : line));
  return [name.replaceAll(/\s+/g, ' ').trim(), paragraphs.join('\n').trim()];
}

/**
 * What the `copyright` file with this text declares: all licences of all files at once.
 * `undefined` when it is not in the machine-readable format or names none. `where` is the file's
 * path in the image.
 */
export function declaredLicence(text: string, where: string): DeclaredLicence | undefined {
  const [header, ...paragraphs] = parseParagraphs(text);
  if (!header || !FORMAT.test(header.get('format') ?? header.get('format-specification') ?? ''))
    return undefined;
  const texts = new Map<string, string>();
  const names = new Set<string>();
  for (const paragraph of [header, ...paragraphs]) {
    const value = paragraph.get('license');
    if (value === undefined) continue;
    const [name, body] = licenceField(value);
    if (name === '') continue;
    if (body !== '' && !texts.has(name)) texts.set(name, body);
    if (paragraph.has('files')) names.add(name);
  }
  if (names.size === 0) return undefined;
  const reader = new Reader(texts, where);
  const parts = new Set([...names].flatMap((name) => reader.conjuncts(name)));
  const others = [...reader.others.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { expression: [...parts].sort().join(' AND '), others };
}
