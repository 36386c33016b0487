/** Explanations of options and packages, as text for people. */
import type { PackageExplanation } from '../repos/explain-package.ts';
import type { OptionExplanation } from '../vse/explain.ts';
import type { Origin } from '../vse/types.ts';
import { formatBytes } from './format.ts';
import type { Colors } from './terminal.ts';

function originLine({ span, verb, layer, replaced }: Origin): string {
  const before = replaced === undefined ? '' : `, in place of ${replaced}`;
  return `${span.file}:${span.line}:${span.column}  ${verb} in ${layer}${before}`;
}

/** The values at and below an option's path, each with its origins, newest first. */
export function optionText(found: OptionExplanation, c: Colors): string {
  const out = [`${c.bold(found.path)}${found.doc ? `  ${c.dim(found.doc)}` : ''}`];
  if (found.given.length === 0 && found.taken.length === 0) out.push('  no layer gives it');
  for (const { path, value, origins } of found.given) {
    const label = path === found.path ? '' : path;
    const shown = typeof value === 'string' ? value : JSON.stringify(value);
    out.push(`  ${[label, value === undefined ? '' : shown].filter(Boolean).join(' = ')}`);
    out.push(...origins.toReversed().map((origin) => `    ${originLine(origin)}`));
  }
  for (const { path, origins } of found.taken) {
    out.push(`  ${path} was taken away`);
    out.push(...origins.toReversed().map((origin) => `    ${originLine(origin)}`));
  }
  for (const origin of found.protectedBy) out.push(`  protected: ${originLine(origin)}`);
  return out.join('\n');
}

type Line = PackageExplanation['requestedBy'][number];
const lineText = ({ file, line, verb, layer }: Line) => `${file}:${line}  ${verb} in ${layer}`;

function absence(found: PackageExplanation): string[] {
  const out: string[] = [];
  if (found.excludedBy) out.push(`  excluded: ${lineText(found.excludedBy)}`);
  if (found.removedBy) out.push(`  its request was taken back: ${lineText(found.removedBy)}`);
  if (found.providedBy.length > 0) {
    out.push(`  what is installed provides it: ${found.providedBy.join(', ')}`);
  } else if (found.candidates.length === 0) out.push('  no repository has a package of that name');
  else if (!found.excludedBy && found.requestedBy.length === 0) {
    out.push('  nothing that is installed needs it, and no layer asks for it');
  }
  if (found.similar.length > 0) out.push(`  did you mean ${found.similar.join(', ')}?`);
  return out;
}

/** Why the package is there, or why it is not. */
export function packageText(
  found: PackageExplanation,
  providers: readonly string[],
  c: Colors,
): string {
  const version = found.installed ? ` ${found.version}` : '';
  const out = [
    `${c.bold(found.package)}${version}  ${found.installed ? 'is installed' : 'is not installed'}`,
  ];
  if (found.reason) out.push(`  ${found.reason}`);
  for (const line of found.requestedBy) out.push(`  requested: ${lineText(line)}`);
  if (found.path.length > 1) out.push(`  ${found.path.join(' → ')}`);
  if (found.chosenFor) {
    const { relation, passedOver } = found.chosenFor;
    out.push(`  chosen for: ${relation}`);
    if (passedOver.length > 0) out.push(`  passed over: ${passedOver.join(', ')}`);
  }
  if (!found.installed) out.push(...absence(found));
  else {
    out.push(`  from ${found.repository} (${found.suite}), in the stage of ${found.layer}`);
    const sizes = [found.size ?? 0, found.installedSize ?? 0].map(formatBytes);
    out.push(`  ${sizes[0]} to fetch, ${sizes[1]} installed`);
  }
  if (providers.length > 0) out.push(`  can be provided by ${providers.join(', ')}`);
  for (const candidate of found.candidates) {
    const { version: has, architecture, repository, suite } = candidate;
    out.push(`  available: ${has} ${architecture} from ${repository} (${suite})`);
  }
  return out.join('\n');
}
