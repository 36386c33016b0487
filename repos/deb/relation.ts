/** Relations between packages: Debian Policy, chapter 7; deb-control(5). */
import { compareVersions } from '../../vse/deb-version.ts';
import type { RelationOperator } from '../../vse/types.ts';

/** `libc6:any (>= 2.36)` */
export interface Relation {
  readonly name: string;
  /** Architecture, `any` or `native`, when the relation is qualified by one. */
  readonly qualifier?: string;
  readonly operator?: RelationOperator;
  readonly version?: string;
}

/** Alternatives: any one of them satisfies it. */
export type Alternatives = readonly Relation[];

/** The forms before `<<` and `>>` were introduced mean "or equal"; dpkg still reads them so. */
const OPERATORS: Readonly<Record<string, RelationOperator>> = {
  '<<': '<<',
  '<=': '<=',
  '=': '=',
  '>=': '>=',
  '>>': '>>',
  '<': '<=',
  '>': '>=',
};

const RELATION =
  /^([^\s():,|[\]<>=]+)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|>=|>>|[<=>])\s*([A-Za-z0-9][^\s)]*)\s*\))?$/;

/**
 * Parses the value of a relation field.
 * @throws Error naming the part that is malformed
 */
export function parseRelations(field: string): Alternatives[] {
  const parsed: Alternatives[] = [];
  for (const group of field.split(',')) {
    // Policy allows no empty part; dpkg and apt pass over one at the end.
    if (group.trim() === '') continue;
    parsed.push(group.split('|').map(parseRelation));
  }
  return parsed;
}

function parseRelation(text: string): Relation {
  const match = RELATION.exec(text.trim());
  if (!match) throw new Error(`malformed relation '${text.trim()}'`);
  const [, name = '', qualifier, operator, version] = match;
  return {
    name,
    ...(qualifier !== undefined && { qualifier }),
    ...(operator !== undefined && { operator: OPERATORS[operator]! }),
    ...(version !== undefined && { version }),
  };
}

/** True when `version` stands in the relation to `bound`. */
export function holds(version: string, operator: RelationOperator, bound: string): boolean {
  const order = compareVersions(version, bound);
  switch (operator) {
    case '<<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '=':
      return order === 0;
    case '>=':
      return order >= 0;
    case '>>':
      return order > 0;
  }
}

/**
 * True when something of this version satisfies the relation's bound. What has no version
 * (an unversioned Provides) satisfies only relations that have none.
 */
export function admits(relation: Relation, version: string | undefined): boolean {
  if (relation.operator === undefined || relation.version === undefined) return true;
  return version !== undefined && holds(version, relation.operator, relation.version);
}

export function formatRelation({ name, qualifier, operator, version }: Relation): string {
  const qualified = qualifier === undefined ? name : `${name}:${qualifier}`;
  return operator === undefined ? qualified : `${qualified} (${operator} ${version})`;
}

export const formatAlternatives = (alternatives: Alternatives): string =>
  alternatives.map(formatRelation).join(' | ');
