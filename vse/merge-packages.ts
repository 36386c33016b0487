/** What merging means for packages: relations add up, and must be able to hold together. */
import type { Cell } from './cells.ts';
import type { Findings } from './findings.ts';
import type { Layer } from './layer.ts';
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

/** What is asked for and excluded cannot be had; whoever spoke last is told. */
export function checkExclusions(
  options: Cell,
  excluded: ReadonlyMap<string, PackageExclusion>,
  layers: readonly Layer[],
  findings: Findings,
): void {
  const height = (origin: Origin): number => layers.findIndex((l) => l.file === origin.span.file);
  for (const { name, origins } of excluded.values()) {
    const requests = requestsOf(options, name);
    if (!requests) continue;
    const [request, exclusion] = [requests.at(-1)!, origins.at(-1)!];
    const askedLast = height(request) > height(exclusion);
    findings.error('VSE055', `Package '${name}' is asked for, and excluded as well`, {
      span: askedLast ? request.span : exclusion.span,
      notes: askedLast
        ? [{ message: `excluded by layer '${exclusion.layer}'`, span: exclusion.span }]
        : requests.map((o) => ({
            message: `asked for by layer '${o.layer}' (${o.verb})`,
            span: o.span,
          })),
      hint: askedLast
        ? `Do without it, or talk to whoever keeps layer '${exclusion.layer}'.`
        : "Put it under 'remove' as well, or take the exclusion out.",
    });
  }
}

/** Where a package is asked for, be it as kernel or as hypervisor. */
function requestsOf(options: Cell, name: string): readonly Origin[] | undefined {
  const listed = options.at(['packages', name])?.held;
  if (listed) return listed.origins;
  for (const owner of ['kernel', 'hypervisor']) {
    const held = options.at([owner, 'package'])?.held;
    if (held?.content.type === 'value' && held.content.value === name) return held.origins;
  }
  return undefined;
}
