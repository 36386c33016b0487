/** Explanations of options and packages, as text for people. */
import type { PackageExplanation } from '../repos/explain-package.ts';
import type { OptionExplanation } from '../vse/explain.ts';
import type { Origin } from '../vse/types.ts';
import { formatBytes, plural } from './format.ts';
import type { Colors } from './terminal.ts';

const MAX_NAMES = 12;

function originLine({ span, verb, layer, replaced }: Origin): string {
  const before = replaced === undefined ? '' : `, in place of ${replaced}`;
  return `${span.file}:${span.line}:${span.column}  ${verb} in ${layer}${before}`;
}

function shownValue(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The values at and below an option's path, each with its origins, newest first. */
export function optionText(found: OptionExplanation, c: Colors): string {
  const out = [`${c.bold(found.path)}${found.doc ? `  ${c.dim(found.doc)}` : ''}`];
  if (found.given.length === 0 && found.taken.length === 0) {
    const told = found.defaults.length > 0 || /unless given|when absent/.test(found.doc);
    const none = told ? '' : ', and it has no default';
    out.push(`  no layer gives it${none}`);
  }
  for (const { path, value, origins } of found.given) {
    const label = path === found.path ? '' : path;
    const shown = [label, shownValue(value)].filter(Boolean).join(' = ');
    if (shown) out.push(`  ${shown}`);
    out.push(...origins.toReversed().map((origin) => `    ${originLine(origin)}`));
  }
  for (const { path, value } of found.defaults) {
    const label = path === found.path ? '' : path;
    out.push(
      `  ${[label, shownValue(value)].filter(Boolean).join(' = ')}  ${c.dim('the default')}`,
    );
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

function some(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).join(', ');
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown;
}

/** Why the package is there, or why it is not. */
export function packageText(
  found: PackageExplanation,
  providers: readonly string[],
  c: Colors,
): string {
  const version = found.installed ? ` ${found.version}` : '';
  const state = found.installed ? 'is installed' : 'is not installed';
  const out = [`${c.bold(found.package)}${version}  ${state}`];
  for (const line of found.requestedBy) out.push(`  requested: ${lineText(line)}`);
  out.push(...(found.installed ? presence(found) : absence(found)));
  if (providers.length > 0) out.push(`  can be provided by ${providers.join(', ')}`);
  if (found.candidates.length > 0) out.push('  versions:');
  for (const { version: has, architecture, repository, suite, why, chosen } of found.candidates) {
    const line = `${has} ${architecture} from ${repository} (${suite}): ${why}`;
    out.push(`  ${chosen ? '*' : ' '} ${chosen ? line : c.dim(line)}`);
  }
  return out.join('\n');
}

function presence(found: PackageExplanation): string[] {
  const out: string[] = [];
  if (found.reason === 'essential') out.push('  essential: every installation has it');
  if (found.path.length > 1) {
    const [from] = found.pathFrom;
    const asked = from ? `  (${lineText(from)})` : '';
    out.push(`  ${found.path.join(' → ')}${asked}`);
  }
  if (found.chosenFor) {
    const { relation, passedOver } = found.chosenFor;
    out.push(`  chosen because ${relation}`);
    for (const { name, why } of passedOver) out.push(`    passed over: ${name}: ${why}`);
  }
  out.push(`  from ${found.repository} (${found.suite}), in the stage of ${found.layer}`);
  const sizes = [found.size ?? 0, found.installedSize ?? 0].map(formatBytes);
  out.push(`  ${sizes[0]} to fetch, ${sizes[1]} installed`);
  if (found.leavesWith) {
    const { needing, orphaned, installedSize } = found.leavesWith;
    const size = formatBytes(installedSize);
    if (needing.length + orphaned.length === 0) out.push('  nothing else would leave with it');
    else {
      const count = plural(needing.length + orphaned.length, 'package');
      out.push(`  ${count} would leave with it, ${size} in all:`);
    }
    if (needing.length > 0) out.push(`    they need it: ${some(needing)}`);
    if (orphaned.length > 0) out.push(`    nobody else needs: ${some(orphaned)}`);
  }
  return out;
}

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
  if (found.ifRequested) out.push(...trial(found.ifRequested));
  return out;
}

function trial(found: NonNullable<PackageExplanation['ifRequested']>): string[] {
  const { possible, brings, drops, installedSize, conflict } = found;
  if (!possible)
    return [
      `  it could not be added: ${conflict?.message}`,
      ...(conflict?.notes ?? []).map(({ message, span }) =>
        span ? `    ${span.file}:${span.line}  ${message}` : `    ${message}`,
      ),
    ];
  const size = formatBytes(Math.abs(installedSize));
  const more = installedSize < 0 ? `${size} less` : `${size} more`;
  return [
    `  if a layer asked for it, ${plural(brings.length, 'package')} would come, ${more}: ${some(brings)}`,
    ...(drops.length > 0 ? [`    and would go: ${some(drops)}`] : []),
  ];
}
