/** A comparison as Markdown: for a comment on a merge request. */
import type { Change, Comparison } from './compare.ts';
import { signedBytes } from './packages.ts';
import { shortDigest, shortValue, sizeChange, summary } from './text.ts';
import { formatBytes } from '../format.ts';

/** Rows that are shown without a click. */
const OPEN_ROWS = 25;

export function comparisonMarkdown(found: Comparison): string {
  const { from, to, kernel, rootfs, cmdline, sizes } = found;
  const title = from.title === to.title ? to.title : `${from.title} → ${to.title}`;
  if (!found.differs) return `### ${plain(title)}\n\nNo differences.`;
  const facts = [
    ...[summary(found)].filter(Boolean),
    ...(sizes ? [`installed size ${sizeChange(sizes.installed)}`] : []),
    ...(sizes ? [`to fetch ${sizeChange(sizes.download)}`] : []),
    ...(kernel ? [`kernel ${arrow(kernel)}`] : []),
  ];
  const words = [...cmdline.removed.map((w) => `-${w}`), ...cmdline.added.map((w) => `+${w}`)];
  return [
    `### ${plain(title)}`,
    ...facts.map((fact) => `- ${fact}`),
    table('Options', ['option', 'before', 'after', 'set by'], found.options.map(optionRow)),
    table(
      'Packages',
      ['package', '', 'before', 'after', 'installed'],
      found.packages.map(packageRow),
    ),
    ...(words.length > 0 ? [`**Kernel command line:** ${words.map(code).join(' ')}`] : []),
    ...(rootfs
      ? [`**File tree:** ${code(shortDigest(rootfs.from!))} → ${code(shortDigest(rootfs.to!))}`]
      : []),
    table('Files of the bundle', ['file', 'before', 'after'], found.files.map(fileRow)),
    ...(found.lock.length > 0 ? [`**Also changed:** ${found.lock.join(', ')}.`] : []),
  ]
    .filter((part) => part !== '')
    .reduce(
      (text, part) =>
        text + (part.startsWith('- ') && text.match(/\n- .*$/) ? '\n' : '\n\n') + part,
    );
}

function optionRow(change: Comparison['options'][number]): string[] {
  const value = (given: unknown) => (given === undefined ? '' : code(shortValue(given)));
  const { path, origin, from, to } = change;
  const unknown = from === undefined && to === undefined;
  return [
    code(shortValue(path)),
    value(from),
    unknown ? change.change : value(to),
    origin
      ? `${code(shortValue(`${origin.file}:${origin.line}`))} (${plain(shortValue(origin.layer))})`
      : '',
  ];
}

function packageRow(change: Comparison['packages'][number]): string[] {
  const { name, from, to, installedSize } = change;
  const version = (text: string | undefined) => (text === undefined ? '' : code(text));
  return [code(name), change.change, version(from), version(to), signedBytes(installedSize)];
}

function fileRow({ file, from, to }: Comparison['files'][number]): string[] {
  const content = (of: typeof from) =>
    of ? `${code(shortDigest(of.sha256))} ${formatBytes(of.size)}` : '';
  return [code(file), content(from), content(to)];
}

/** Long ones are folded. */
function table(title: string, head: readonly string[], rows: readonly string[][]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const lines = [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
  if (rows.length <= OPEN_ROWS) return `**${title}**\n\n${lines}`;
  return `<details><summary>${title}: ${rows.length}</summary>\n\n${lines}\n\n</details>`;
}

const arrow = ({ from, to }: Change<string>): string => `${code(from!)} → ${code(to!)}`;

/** As code, in a table's cell: no bar ends the cell, no backtick the code. */
const code = (text: string): string => {
  const fence = text.includes('`') ? '``' : '`';
  const space = fence.length > 1 ? ' ' : '';
  return `${fence}${space}${text.replaceAll('|', '\\|')}${space}${fence}`;
};

/** Nothing in it is taken for markup. */
const plain = (text: string): string => text.replace(/[\\`*_[\]<>|#]/g, '\\$&');
