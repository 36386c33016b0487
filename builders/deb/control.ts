/** Control paragraphs of a package and what the unpacker needs of them (deb-control(5)). */
import { compareVersions } from '../../vse/deb-version.ts';
import { failure } from '../../vse/diagnostic.ts';
import type { Decompress, DebMembers, Entry } from './archive.ts';
import { invalidPackage, readEntries } from './archive.ts';

/** Field name (as written) → value with its continuation lines. */
export type Fields = ReadonlyMap<string, string>;

export interface ControlData {
  readonly fields: Fields;
  /** Every other member of the control archive by name, e.g. `postinst`, `triggers`. */
  readonly files: ReadonlyMap<string, { readonly bytes: Buffer; readonly executable: boolean }>;
}

const LIMIT = 32 << 20;

/** Fields that file names in the package database are made of. */
const IDENTITY: Readonly<Record<string, RegExp>> = {
  Package: /^[A-Za-z0-9][A-Za-z0-9+.-]*$/,
  Version: /^[0-9A-Za-z.+:~-]+$/,
  Architecture: /^[a-z0-9][a-z0-9-]*$/,
};

/** Reads the first RFC-822-like paragraph. */
export function parseFields(text: string): Fields {
  const fields = new Map<string, string>();
  let current: string | undefined;
  for (const line of text.split('\n')) {
    if (line === '' && fields.size > 0) break;
    if (/^[ \t]/.test(line) && current) fields.set(current, `${fields.get(current)}\n${line}`);
    else {
      const colon = line.indexOf(':');
      if (colon <= 0) continue;
      current = line.slice(0, colon);
      fields.set(current, line.slice(colon + 1).trim());
    }
  }
  return fields;
}

/** Whole content of a small entry; a member past 32 MiB is refused. */
async function slurp(entry: Entry, path: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of entry as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > LIMIT)
      throw invalidPackage(path, `control member ${entry.header.name} is larger than 32 MiB`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Reads the control archive of a package. */
export async function readControl(
  path: string,
  members: DebMembers,
  decompress: Decompress,
): Promise<ControlData> {
  const files = new Map<string, { bytes: Buffer; executable: boolean }>();
  await readEntries(path, members.control, decompress, async (entry) => {
    const name = entry.header.name.replace(/^\.?\//, '');
    if (entry.header.type === 'file' && /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name))
      files.set(name, {
        bytes: await slurp(entry, path),
        executable: ((entry.header.mode ?? 0) & 0o111) !== 0,
      });
    else entry.resume();
  });
  const control = files.get('control');
  if (!control)
    throw failure('BUILD102', 'not a valid Debian package: no control file', {
      notes: [{ message: `in ${path}` }],
    });
  files.delete('control');
  const fields = parseFields(control.bytes.toString('utf8'));
  for (const [field, pattern] of Object.entries(IDENTITY))
    if (!pattern.test(fields.get(field) ?? ''))
      throw failure(
        'BUILD102',
        `not a valid Debian package: its control file has ${fields.has(field) ? 'an impossible' : 'no'} ${field}`,
        { notes: [{ message: `in ${path}` }] },
      );
  return { fields, files };
}

/** One relation of a `Replaces` field. */
interface Relation {
  readonly name: string;
  readonly operator?: string;
  readonly version?: string;
}

/** Reads the plain relations of a field without alternatives. */
export function parseRelations(text: string | undefined): readonly Relation[] {
  if (!text) return [];
  return text.split(',').flatMap((part) => {
    const m =
      /^\s*([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*([<>=]+)\s*([^)\s]+)\s*\))?/.exec(part);
    if (!m?.[1]) return [];
    return [{ name: m[1], ...(m[2] && m[3] && { operator: m[2], version: m[3] }) }];
  });
}

/** Does `relation` cover package `name` at `version`? */
export function covers(relation: Relation, name: string, version: string): boolean {
  if (relation.name !== name) return false;
  if (!relation.operator || !relation.version) return true;
  const order = compareVersions(version, relation.version);
  switch (relation.operator) {
    case '<<':
      return order < 0;
    case '<=':
    case '<':
      return order <= 0;
    case '=':
      return order === 0;
    case '>=':
    case '>':
      return order >= 0;
    case '>>':
      return order > 0;
    default:
      return false;
  }
}
