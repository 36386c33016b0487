/** What merging means for packages: relations add up, and must be able to hold together. */
import type { Cell } from './cells.ts';
import type { Findings } from './findings.ts';
import { compareVersions } from './deb-version.ts';
import { compatible, showRelation } from './relation.ts';
import type { Origin, PackageExclusion, RequestRelation } from './types.ts';

export function describeRequest(relations: readonly RequestRelation[]): string {
  return relations.length === 0 ? 'any version' : relations.map(showRelation).join(', ');
}

/** Two relations on one package that no version can satisfy. */
export function checkRelations(options: Cell, findings: Findings): void {
  for (const [key, cell] of options.at(['packages'])?.children ?? []) {
    const content = cell.held?.content;
    if (content?.type !== 'request') continue;
    const clash = firstClash([...content.relations.values()]);
    if (!clash) continue;
    const [lower, upper] = clash;
    findings.error(
      'VSE054',
      `No version of '${key}' can be both ${showRelation(lower)} and ${showRelation(upper)}`,
      {
        span: upper.origin.span,
        notes: [
          {
            message: `layer '${lower.origin.layer}' asks for ${showRelation(lower)}`,
            span: lower.origin.span,
          },
        ],
        hint:
          lower.origin.span.file === upper.origin.span.file
            ? 'Take one of them out.'
            : `To replace the lower layers' relations, put '${key} (${showRelation(upper)})' under 'override'.`,
      },
    );
  }
}

/**
 * In a linear order, relations that hold pairwise hold together; and to find a pair that does not,
 * it is enough to meet every relation with the tightest ones before it.
 */
function firstClash(
  relations: readonly RequestRelation[],
): readonly [RequestRelation, RequestRelation] | undefined {
  const tightest: Record<'<' | '=' | '>', RequestRelation | undefined> = {
    '<': undefined,
    '=': undefined,
    '>': undefined,
  };
  for (const relation of relations) {
    const rivals = Object.values(tightest).filter((r) => r !== undefined);
    const clash = rivals.find((r) => !compatible(r, relation));
    if (clash) return [clash, relation];
    const side = relation.operator.charAt(0) as '<' | '=' | '>';
    const rival = tightest[side];
    if (!rival || tighter(relation, rival, side)) tightest[side] = relation;
  }
  return undefined;
}

function tighter(a: RequestRelation, b: RequestRelation, side: '<' | '=' | '>'): boolean {
  const order = compareVersions(a.version, b.version);
  if (order === 0) return !a.operator.endsWith('=');
  return side === '<' ? order < 0 : order > 0;
}

/** What is asked for and excluded cannot be had. */
export function checkExclusions(
  options: Cell,
  excluded: ReadonlyMap<string, PackageExclusion>,
  findings: Findings,
): void {
  const requests = options.at(['packages'])?.children;
  const namedBy = (owner: string, name: string): readonly Origin[] | undefined => {
    const held = options.at([owner, 'package'])?.held;
    return held?.content.type === 'value' && held.content.value === name ? held.origins : undefined;
  };
  for (const [name, { origins }] of excluded) {
    const requested =
      requests?.get(name)?.held?.origins ?? namedBy('kernel', name) ?? namedBy('hypervisor', name);
    if (!requested) continue;
    const last = origins.at(-1)!;
    findings.error('VSE055', `Package '${name}' is excluded, and asked for as well`, {
      span: last.span,
      notes: requested.map((o) => ({
        message: `asked for by layer '${o.layer}' (${o.verb})`,
        span: o.span,
      })),
      hint: `Put it under 'remove' as well, or take the exclusion out.`,
    });
  }
}
