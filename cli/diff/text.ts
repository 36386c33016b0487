/** A comparison as text for people. */
import { formatBytes, plural, printable } from '../format.ts';
import type { Colors } from '../terminal.ts';
import type { Change, Comparison, FileChange } from './compare.ts';
import type { OptionChange } from './options.ts';
import { packageChangeLine, signedBytes } from './packages.ts';

const MAX_VALUE = 60;

/** A value in one line, cut where it is long. */
export function shortValue(value: unknown): string {
  const text = printable(typeof value === 'string' ? value : JSON.stringify(value));
  const line = text.trimEnd().replaceAll('\n', '⏎');
  return line.length > MAX_VALUE ? `${line.slice(0, MAX_VALUE - 1)}…` : line;
}

export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, '').slice(0, 12);

function optionLine({ path, change, from, to, origin }: OptionChange, c: Colors): string {
  const line = origin && `${origin.file}:${origin.line} (${origin.layer})`;
  const where = line === undefined ? '' : c.dim(`  ${printable(line)}`);
  const sign = { added: c.green('+'), removed: c.red('-'), changed: c.yellow('~') }[change];
  return `${sign} ${printable(path)} ${valueChange(change, from, to)}${where}`;
}

/** Of long values, and of text in files, locks keep digests alone. */
function valueChange(change: OptionChange['change'], from: unknown, to: unknown): string {
  if (from === undefined && to === undefined) return change;
  if (change === 'changed' && from === undefined) return `= (unknown) → ${shortValue(to)}`;
  if (change === 'changed' && to === undefined) return `= ${shortValue(from)} → (unknown)`;
  const known = [from, to].filter((value) => value !== undefined);
  return `= ${known.map(shortValue).join(' → ')}`;
}

function fileLine({ file, from, to }: FileChange, c: Colors): string {
  const content = (of: FileChange['from']) =>
    of ? `${shortDigest(of.sha256)} (${formatBytes(of.size)})` : '';
  if (!from) return `${c.green('+')} ${file}  ${content(to)}`;
  if (!to) return `${c.red('-')} ${file}  ${content(from)}`;
  return `${c.yellow('~')} ${file}  ${content(from)} → ${content(to)}`;
}

/** `1.12 GB → 1.13 GB (+10 MB)` */
export function sizeChange({ from, to }: Change<number>): string {
  const [a, b] = [from ?? 0, to ?? 0];
  return a === b ? formatBytes(b) : `${formatBytes(a)} → ${formatBytes(b)} (${signedBytes(b - a)})`;
}

/** `2 options, 3 packages (1 added, 2 upgraded), 1 file`; empty when nothing of these changes. */
export function summary({ options, packages, files }: Comparison): string {
  const kinds = new Map<string, number>();
  for (const { change } of packages) kinds.set(change, (kinds.get(change) ?? 0) + 1);
  const counted = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ');
  return [
    ...(options.length > 0 ? [plural(options.length, 'option')] : []),
    ...(packages.length > 0 ? [`${plural(packages.length, 'package')} (${counted})`] : []),
    ...(files.length > 0 ? [plural(files.length, 'file')] : []),
  ].join(', ');
}

export function comparisonText(found: Comparison, c: Colors): string {
  const { kernel, rootfs, cmdline, sizes } = found;
  const change = ({ from, to }: Change<string>) => `${c.yellow('~')} ${from} → ${to}`;
  const sections: [string, readonly string[]][] = [
    ['options', found.options.map((one) => optionLine(one, c))],
    ['packages', found.packages.map((one) => packageChangeLine(one, c))],
    ['kernel', kernel ? [change(kernel)] : []],
    [
      'kernel command line',
      [
        ...cmdline.removed.map((word) => `${c.red('-')} ${printable(word)}`),
        ...cmdline.added.map((word) => `${c.green('+')} ${printable(word)}`),
      ],
    ],
    ['file tree', rootfs ? [change(rootfs)] : []],
    ['files of the bundle', found.files.map((one) => fileLine(one, c))],
    ['lock', found.lock.map((what) => `${c.yellow('~')} ${what}`)],
    [
      'sizes',
      sizes
        ? [`to fetch ${sizeChange(sizes.download)}`, `installed ${sizeChange(sizes.installed)}`]
        : [],
    ],
  ];
  return sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => [c.bold(title), ...lines.map((line) => `  ${line}`)].join('\n'))
    .join('\n');
}
