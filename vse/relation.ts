/** Package requests in Debian's relation syntax, deb-control(5): `name[:arch] [(op version)]`. */
import { compareVersions, versionProblem } from './deb-version.ts';
import { shorten } from './node.ts';
import type { Problem, Reading } from './shape.ts';
import type { RelationOperator } from './types.ts';

export interface Relation {
  readonly operator: RelationOperator;
  readonly version: string;
}

/** What one item of a `packages:` list says. */
export interface PackageText {
  readonly name: string;
  readonly architecture?: string;
  readonly relation?: Relation;
}

export const PACKAGE_NAME = '[a-z0-9][a-z0-9+.-]+';
/** Longer than any name with any version; keeps the expressions below from backtracking for long. */
const MAX_LENGTH = 300;
const NAME = new RegExp(`^${PACKAGE_NAME}$`);
const OPERATORS: readonly string[] = ['<<', '<=', '=', '>=', '>>'];

const bad = (message: string, hint?: string, code = 'VSE025'): { readonly problem: Problem } => ({
  problem: { code, message, ...(hint !== undefined && { hint }) },
});

export function readPackageName(text: string): Reading<string> {
  if (text.length > MAX_LENGTH) return bad(`'${shorten(text)}' is too long for a package name`);
  if (NAME.test(text)) return { value: text };
  if (NAME.test(text.toLowerCase()))
    return bad(
      `'${shorten(text)}' is not a package name: those are in lower case`,
      `Did you mean '${text.toLowerCase()}'?`,
    );
  return bad(
    `'${shorten(text)}' is not a package name`,
    'Package names hold lower-case letters, digits and + - . only, and at least two of them.',
  );
}

/** Reads `gcc`, `gcc (>= 12)` or `libc6:i386`. */
export function readRequest(text: string): Reading<PackageText> {
  if (text.length > MAX_LENGTH) return bad(`'${shorten(text)}' is too long for a package request`);
  if (text.includes('|'))
    return bad(
      `'${shorten(text)}' offers alternatives: a layer asks for one`,
      'Decide for one of them.',
    );
  if (text.includes(','))
    return bad(`'${shorten(text)}' is several requests`, 'Make each a list item.');
  const match = /^\s*([^\s():]*)(?::([^\s()]*))?\s*(?:\((.*)\))?\s*$/.exec(text);
  const [, name = '', architecture, relation] = match ?? [];
  if (!match || (relation === undefined && /[<>=/~]/.test(name))) return guess(text);
  const checked = readPackageName(name);
  if (!('value' in checked)) return checked;
  if (architecture !== undefined && !/^[a-z0-9][a-z0-9-]*$/.test(architecture))
    return bad(`':${architecture}' is not an architecture`, "For example 'libc6:i386'.");
  if (architecture === 'any' || architecture === 'native')
    return bad(`':${architecture}' has no meaning in a request`, `Write '${name}'.`);
  const request = { name, ...(architecture !== undefined && { architecture }) };
  if (relation === undefined) return { value: request };
  const held = readRelation(relation, name);
  return 'value' in held ? { value: { ...request, relation: held.value } } : held;
}

function readRelation(text: string, name: string): Reading<Relation> {
  const [, operator = '', version = ''] = /^\s*([<>=!~]*)\s*(.*?)\s*$/.exec(text) ?? [];
  if (operator === '<' || operator === '>')
    return bad(
      `'${operator}' is an ambiguous old spelling`,
      `Write '${operator}=' (or equal) or '${operator}${operator}' (strictly).`,
    );
  if (!OPERATORS.includes(operator))
    return bad(
      operator === ''
        ? `'(${shorten(text)})' lacks an operator`
        : `'${operator}' is not a relation between versions`,
      `One of << <= = >= >>, as in '${name} (>= ${version || '1.2'})'.`,
    );
  if (version === '') return bad(`'(${shorten(text)})' lacks a version`);
  const problem = versionProblem(version);
  if (problem !== undefined)
    return bad(`'${version}' is not a version: ${problem}`, undefined, 'VSE026');
  return { value: { operator: operator as RelationOperator, version } };
}

/** Other tools' spellings, understood well enough to offer the right one. */
function guess(text: string): ReturnType<typeof bad> {
  const [, name, operator = '', version] =
    /^\s*([^\s<>=~/()]+)\s*([<>=~]+)\s*(\S+)\s*$/.exec(text) ?? [];
  if (name === undefined)
    return bad(`'${shorten(text)}' is not a package request`, "As in 'gcc' or 'gcc (>= 12)'.");
  const meant = operator === '==' ? '=' : operator;
  const offer = OPERATORS.includes(meant) ? meant : '>=';
  return bad(
    `'${shorten(text)}' is not a package request`,
    `Did you mean '${name} (${offer} ${version})'?`,
  );
}

export const showRelation = (relation: Relation): string =>
  `${relation.operator} ${relation.version}`;

/** Whether any version at all could satisfy both. */
export function compatible(a: Relation, b: Relation): boolean {
  const order = compareVersions(a.version, b.version);
  if (a.operator === '=') return satisfies(order, b.operator);
  if (b.operator === '=') return satisfies(-order, a.operator);
  const aIsLower = a.operator.startsWith('>');
  const bIsLower = b.operator.startsWith('>');
  if (aIsLower === bIsLower) return true;
  const gap = aIsLower ? order : -order;
  return gap < 0 || (gap === 0 && a.operator.endsWith('=') && b.operator.endsWith('='));
}

/** `order` is the sign of (version compared with the relation's version). */
function satisfies(order: number, operator: RelationOperator): boolean {
  if (operator === '=') return order === 0;
  if (order === 0) return operator.endsWith('=');
  return operator.startsWith('<') ? order < 0 : order > 0;
}
