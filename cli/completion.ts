/** Shell completion scripts, generated from the command table. */
import type { AnyCommand, ArgumentSpec, OptionSpec, Options } from './command.ts';
import { globalOptions } from './options.ts';
import { commands } from './table.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Row {
  readonly name: string;
  readonly summary: string;
  readonly command: AnyCommand;
  readonly options: Options;
}

const loadRows = (): Promise<readonly Row[]> =>
  Promise.all(
    commands.map(async ({ name, summary, load }) => {
      const command = await load();
      return { name, summary, command, options: { ...command.options, ...globalOptions } };
    }),
  );

const names = (): string => commands.map((entry) => entry.name).join(' ');
const choices = (spec: OptionSpec): readonly string[] | undefined =>
  'choices' in spec ? spec.choices : undefined;
const isPath = (spec: OptionSpec): boolean => spec.kind === 'file' || spec.kind === 'directory';
const flags = (options: Options): string[] =>
  Object.entries(options).flatMap(([name, spec]) =>
    spec.short ? [`-${spec.short}`, `--${name}`] : [`--${name}`],
  );

/** How the words of an argument are found, for a shell's own mechanism. */
function argumentWords(argument: ArgumentSpec | undefined): string | 'files' | 'folders' | '' {
  const how = argument?.complete;
  if (how === 'file') return 'files';
  if (how === 'directory') return 'folders';
  if (how === 'command') return names();
  return how ? how.join(' ') : '';
}

const bashWords = (words: string): string =>
  words === 'files'
    ? 'COMPREPLY=($(compgen -f -- "$cur"))'
    : words === 'folders'
      ? 'COMPREPLY=($(compgen -d -- "$cur"))'
      : `COMPREPLY=($(compgen -W '${words}' -- "$cur"))`;

function bash(rows: readonly Row[]): string {
  const values = new Map<string, string>();
  for (const { options } of rows) {
    for (const [name, spec] of Object.entries(options)) {
      if (spec.kind === 'flag') continue;
      const words = isPath(spec)
        ? spec.kind === 'directory'
          ? 'folders'
          : 'files'
        : (choices(spec) ?? []).join(' ');
      const pattern = spec.short ? `-${spec.short}|--${name}` : `--${name}`;
      values.set(pattern, bashWords(words));
    }
  }
  const perCommand = rows.map(
    ({ name, command, options }) =>
      `    ${name}) options='${flags(options).join(' ')}'; _vsec_words() { ${bashWords(argumentWords(command.arguments[0]))}; } ;;`,
  );
  return `# Completion of vsec for bash: eval "$(vsec completion bash)"
_vsec() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command='' options='' i
  COMPREPLY=()
  _vsec_words() { :; }
  case "$prev" in
${[...values].map(([pattern, action]) => `    ${pattern}) ${action}; return ;;`).join('\n')}
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${commands.map((c) => c.name).join('|')}) command="\${COMP_WORDS[i]}"; break ;;
    esac
  done
  case "$command" in
    '') options='${flags(globalOptions).join(' ')}'; _vsec_words() { ${bashWords(names())}; } ;;
${perCommand.join('\n')}
  esac
  if [[ "$cur" == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$cur")); else _vsec_words; fi
}
complete -o filenames -o bashdefault -F _vsec vsec
`;
}

const quote = (text: string): string => text.replaceAll("'", "'\\''");
const zshText = (text: string): string => quote(text.replace(/([[\]:\\])/g, '\\$1'));

function zshOption(name: string, spec: OptionSpec): string {
  const words = choices(spec);
  const how = isPath(spec)
    ? spec.kind === 'directory'
      ? '_files -/'
      : '_files'
    : words
      ? `(${words.join(' ')})`
      : '';
  const value = spec.kind === 'flag' ? '' : `:${spec.placeholder}:${how}`;
  const many = spec.kind === 'list' ? '*' : '';
  const tail = `[${zshText(spec.describe)}]${value}`;
  const long = `'${many}--${name}${tail}'`;
  return spec.short ? `${long} '${many}-${spec.short}${tail}'` : long;
}

function zsh(rows: readonly Row[]): string {
  const cases = rows.map(({ name, command, options }) => {
    const argument = command.arguments[0];
    const words = argumentWords(argument);
    const how =
      words === 'files' ? '_files' : words === 'folders' ? '_files -/' : words ? `(${words})` : '';
    const position = argument ? ` '*:${argument.name}:${how}'` : '';
    const specs = Object.entries(options).map(([n, spec]) => zshOption(n, spec));
    return `    ${name}) _arguments ${specs.join(' ')}${position} ;;`;
  });
  const globals = Object.entries(globalOptions).map(([n, spec]) => zshOption(n, spec));
  return `#compdef vsec
# Completion of vsec for zsh: vsec completion zsh > "\${fpath[1]}/_vsec"
_vsec() {
  local -a commands
  commands=(${rows.map((row) => `'${row.name}:${zshText(row.summary)}'`).join(' ')})
  local context state line
  _arguments -C ${globals.join(' ')} '1:command:->command' '*::argument:->argument'
  case "$state" in
    command) _describe command commands; return ;;
  esac
  case "$words[1]" in
${cases.join('\n')}
  esac
}
if [[ "$funcstack[1]" == _vsec ]]; then _vsec "$@"; else compdef _vsec vsec; fi
`;
}

function fishOption(name: string, spec: OptionSpec, condition: string): string {
  const short = spec.short ? ` -s ${spec.short}` : '';
  const words = choices(spec);
  const value =
    spec.kind === 'flag' ? '' : isPath(spec) ? ' -rF' : words ? ` -xa '${words.join(' ')}'` : ' -x';
  return `complete -c vsec${condition} -l ${name}${short}${value} -d '${quote(spec.describe)}'`;
}

function fish(rows: readonly Row[]): string {
  const out = [
    '# Completion of vsec for fish: vsec completion fish | source',
    'complete -c vsec -f',
  ];
  for (const [name, spec] of Object.entries(globalOptions)) out.push(fishOption(name, spec, ''));
  for (const { name, summary, command } of rows) {
    out.push(
      `complete -c vsec -n __fish_use_subcommand -a ${name} -d '${quote(summary)}'`,
      ...Object.entries(command.options).map(([option, spec]) =>
        fishOption(option, spec, ` -n '__fish_seen_subcommand_from ${name}'`),
      ),
    );
    const words = argumentWords(command.arguments[0]);
    const seen = ` -n '__fish_seen_subcommand_from ${name}'`;
    if (words === 'files' || words === 'folders') out.push(`complete -c vsec${seen} -F`);
    else if (words) out.push(`complete -c vsec${seen} -a '${words}'`);
  }
  return out.join('\n') + '\n';
}

/** The script that a shell evaluates. */
export async function completionScript(shell: Shell): Promise<string> {
  const rows = await loadRows();
  return { bash, zsh, fish }[shell](rows);
}
