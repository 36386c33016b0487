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

const shown = commands.filter((entry) => !entry.hidden);

const loadRows = (): Promise<readonly Row[]> =>
  Promise.all(
    shown.map(async ({ name, summary, load }) => {
      const command = await load();
      return { name, summary, command, options: { ...command.options, ...globalOptions } };
    }),
  );

const names = (): string => shown.map((entry) => entry.name).join(' ');
const choices = (spec: OptionSpec): readonly string[] | undefined =>
  'choices' in spec ? spec.choices : undefined;
const asked = (spec: OptionSpec): string | undefined =>
  'complete' in spec ? spec.complete : undefined;
const isPath = (spec: OptionSpec): boolean => spec.kind === 'file' || spec.kind === 'directory';
const flags = (options: Options): string[] =>
  Object.entries(options).flatMap(([name, spec]) =>
    spec.short ? [`-${spec.short}`, `--${name}`] : [`--${name}`],
  );

/** Words that only a look at this moment can tell: `vsec words` is asked. */
const ASKED = ['environment', 'base', 'package'];

/** How the words of an argument are found, for a shell's own mechanism. */
function argumentWords(argument: ArgumentSpec | undefined): string {
  const how = argument?.complete;
  if (typeof how === 'string' && ASKED.includes(how)) return how;
  if (how === 'file') return 'files';
  if (how === 'directory') return 'folders';
  if (how === 'command') return names();
  return Array.isArray(how) ? how.join(' ') : '';
}

const bashWords = (words: string): string =>
  ASKED.includes(words)
    ? `COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" words ${words} "$cur" 2>/dev/null)" -- "$cur")${words === 'environment' ? ' $(compgen -d -- "$cur")' : ''})`
    : words === 'files'
      ? 'COMPREPLY=($(compgen -f -- "$cur"))'
      : words === 'folders'
        ? 'COMPREPLY=($(compgen -d -- "$cur"))'
        : `COMPREPLY=($(compgen -W '${words}' -- "$cur"))`;

/** The words for the argument that is being typed, the `position`th from 0. */
function bashPositions(specs: readonly ArgumentSpec[]): string {
  const [first, ...rest] = specs.map((spec) => bashWords(argumentWords(spec)));
  if (rest.length === 0) return first ?? ':';
  const cases = rest.map((words, i) => `${i === rest.length - 1 ? '*' : i + 1}) ${words} ;;`);
  return `case "$position" in 0) ${first} ;; ${cases.join(' ')} esac`;
}

/** Options that take a value → how it is completed; commands mean other things by one name. */
function bashValues(rows: readonly Row[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const note = (prefix: string, options: Options): void => {
    for (const [name, spec] of Object.entries(options)) {
      if (spec.kind === 'flag') continue;
      const names = spec.short ? [`-${spec.short}`, `--${name}`] : [`--${name}`];
      const words = isPath(spec)
        ? spec.kind === 'directory'
          ? 'folders'
          : 'files'
        : (asked(spec) ?? choices(spec)?.join(' ') ?? '');
      values.set(names.map((one) => `${prefix}' ${one}'`).join('|'), bashWords(words));
    }
  };
  for (const { name, command } of rows) note(name, command.options);
  note('*', globalOptions);
  return values;
}

function bash(rows: readonly Row[]): string {
  const values = bashValues(rows);
  const perCommand = rows.map(
    ({ name, command, options }) =>
      `    ${name}) options='${flags(options).join(' ')}'; _vsec_words() { ${bashPositions(command.arguments)}; } ;;`,
  );
  return `# Completion of vsec for bash: eval "$(vsec completion bash)"
_vsec() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command='' options='' i position=0
  COMPREPLY=()
  _vsec_words() { :; }
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ -n "$command" ]]; then
      case "$command \${COMP_WORDS[i]}" in
        ${[...values.keys()].join('|')}) ((++i)) ;;
        *' -'*) ;;
        *) ((++position)) ;;
      esac
      continue
    fi
    case "\${COMP_WORDS[i]}" in
      ${shown.map((c) => c.name).join('|')}) command="\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$command $prev" in
${[...values].map(([pattern, action]) => `    ${pattern}) ${action}; return ;;`).join('\n')}
  esac
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

function zshWords(words: string): string {
  if (ASKED.includes(words)) return ` _vsec_words ${words}`;
  return words === 'files'
    ? '_files'
    : words === 'folders'
      ? '_files -/'
      : words
        ? `(${words})`
        : '';
}

function zshOption(name: string, spec: OptionSpec): string {
  const how = isPath(spec)
    ? zshWords(spec.kind === 'directory' ? 'folders' : 'files')
    : zshWords(asked(spec) ?? choices(spec)?.join(' ') ?? '');
  const value = spec.kind === 'flag' ? '' : `:${zshText(spec.placeholder)}:${how}`;
  const many = spec.kind === 'list' ? '*' : '';
  const tail = `[${zshText(spec.describe)}]${value}`;
  const long = `'${many}--${name}${tail}'`;
  return spec.short ? `${long} '${many}-${spec.short}${tail}'` : long;
}

function zsh(rows: readonly Row[]): string {
  const cases = rows.map(({ name, command, options }) => {
    const position = command.arguments
      .map((argument, i) => {
        const last = i === command.arguments.length - 1;
        return ` '${last ? '*' : i + 1}:${zshText(argument.name)}:${zshWords(argumentWords(argument))}'`;
      })
      .join('');
    const specs = Object.entries(options).map(([n, spec]) => zshOption(n, spec));
    return `    ${name}) _arguments ${specs.join(' ')}${position} ;;`;
  });
  const globals = Object.entries(globalOptions).map(([n, spec]) => zshOption(n, spec));
  return `#compdef vsec
# Completion of vsec for zsh: vsec completion zsh > "\${fpath[1]}/_vsec"
_vsec_words() {
  local -a words_found
  words_found=(\${(f)"$(vsec words "$1" "$PREFIX" 2>/dev/null)"})
  compadd -a words_found
  [[ "$1" == environment ]] && _path_files -/
}
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
  const from = asked(spec);
  const value = from
    ? ` -xa '(vsec words ${from} (commandline -ct) 2>/dev/null)'`
    : spec.kind === 'flag'
      ? ''
      : isPath(spec)
        ? ' -rF'
        : words
          ? ` -xa '${words.join(' ')}'`
          : ' -x';
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
    for (const kind of command.arguments.map(argumentWords).filter((w) => ASKED.includes(w)))
      out.push(`complete -c vsec${seen} -a '(vsec words ${kind} (commandline -ct) 2>/dev/null)'`);
    if (ASKED.includes(words)) continue;
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
