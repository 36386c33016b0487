/** Help texts, rendered from the command table. */
import type { AnyCommand, CommandEntry, OptionSpec, Options } from './command.ts';
import type { Colors } from './terminal.ts';
import { globalOptions } from './options.ts';
import { commands } from './table.ts';

const WIDTH = 80;

/** Breaks a paragraph into lines of at most `width` characters. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return line ? [...lines, line] : lines;
}

function rows(pairs: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(30, Math.max(...pairs.map(([left]) => left.length)));
  return pairs.flatMap(([left, right]) => {
    const [first = '', ...more] = wrap(right, WIDTH - width - 4);
    const indent = ' '.repeat(width + 4);
    const head =
      left.length > width ? [`  ${left}`, indent + first] : [`  ${left.padEnd(width)}  ${first}`];
    return [...head, ...more.map((line) => indent + line)];
  });
}

function optionRow(name: string, spec: OptionSpec): readonly [string, string] {
  const short = spec.short ? `-${spec.short}, ` : '    ';
  const value = spec.kind === 'flag' ? '' : ` ${spec.placeholder}`;
  const choices = 'choices' in spec && spec.choices ? `: ${spec.choices.join(', ')}` : '';
  const repeat = spec.kind === 'list' ? ' (may be repeated)' : '';
  return [`${short}--${name}${value}`, spec.describe + choices + repeat];
}

const optionRows = (options: Options) =>
  rows(Object.entries(options).map(([name, spec]) => optionRow(name, spec)));

/** `vsec check [OPTIONS] ENV...` */
export function usageLine(name: string, command: AnyCommand): string {
  const args = command.arguments.map((a) => {
    const word = a.many ? `${a.name}...` : a.name;
    return a.optional ? `[${word}]` : word;
  });
  return ['vsec', name, '[OPTIONS]', ...args].join(' ');
}

/** What `vsec help COMMAND` and `vsec COMMAND --help` print. */
export function commandHelp(entry: CommandEntry, command: AnyCommand, c: Colors): string {
  const title = (text: string) => c.bold(text);
  const out = [`${title('Usage:')} ${usageLine(entry.name, command)}`, ''];
  for (const paragraph of command.description.trim().split(/\n\s*\n/)) {
    out.push(...wrap(paragraph, WIDTH), '');
  }
  if (command.arguments.length > 0) {
    out.push(title('Arguments:'));
    out.push(...rows(command.arguments.map((a) => [a.name, a.describe] as const)), '');
  }
  if (Object.keys(command.options).length > 0) {
    out.push(title('Options:'), ...optionRows(command.options), '');
  }
  out.push(title('Everywhere:'), ...optionRows(globalOptions), '');
  out.push(title('Examples:'));
  for (const example of command.examples) {
    out.push(`  ${c.dim(`# ${example.does}`)}`, `  ${example.command}`);
  }
  return out.join('\n') + '\n';
}

/** What `vsec` alone prints. */
export function overview(c: Colors): string {
  const out = [
    `${c.bold('vsec')} compiles a Virtual System Environment into one golden image that every`,
    'hypervisor boots unmodified, with boot glue for each beside it.',
    '',
    `${c.bold('Usage:')} vsec COMMAND [OPTIONS] ...`,
  ];
  const width = Math.max(...commands.map((entry) => entry.name.length));
  for (const group of new Set(commands.map((entry) => entry.group))) {
    out.push('', c.bold(`${group}:`));
    for (const entry of commands.filter((e) => e.group === group && !e.hidden)) {
      out.push(`  ${entry.name.padEnd(width)}  ${entry.summary}`);
    }
  }
  out.push('', `'vsec help COMMAND' explains a command and shows examples.`);
  return out.join('\n') + '\n';
}
