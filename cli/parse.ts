/** From words on the command line to a command's arguments and typed options. */
import { parseArgs } from 'node:util';
import { misuse, type VsecError } from '../vse/diagnostic.ts';
import { nearest } from '../vse/nearest.ts';
import type { ArgumentSpec, NumberOption, OptionSpec, Options } from './command.ts';
import { parseDuration, parseSize } from './format.ts';

export interface Parsed {
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

const letters = (word: string): string => [...word].sort().join('');

/** The candidate that `word` was probably meant to be: begun, mistyped, or its letters swapped. */
export function likely(word: string, candidates: readonly string[]): string | undefined {
  const begun = word.length > 1 ? candidates.filter((name) => name.startsWith(word)) : [];
  if (begun.length === 1) return begun[0];
  return nearest(word, candidates) ?? candidates.find((name) => letters(name) === letters(word));
}

const wrong = (code: string, message: string, hint?: string): VsecError =>
  misuse(code, message, { hint });

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];

function tokenize(argv: readonly string[], options: Options): readonly Token[] {
  const config: Record<string, { type: 'string' | 'boolean'; short?: string; multiple: true }> = {};
  for (const [name, spec] of Object.entries(options)) {
    config[name] = {
      type: spec.kind === 'flag' ? 'boolean' : 'string',
      multiple: true,
      ...(spec.short !== undefined && { short: spec.short }),
    };
  }
  const { tokens } = parseArgs({
    args: [...argv],
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens;
}

/** Position in `argv` of the command's name: the first word that is no global option's. */
export function commandPosition(argv: readonly string[], global: Options): number | undefined {
  for (const token of tokenize(argv, global)) {
    if (token.kind === 'positional') return token.index;
    if (token.kind === 'option-terminator') return undefined;
  }
  return undefined;
}

const isNumber = (spec: OptionSpec): spec is NumberOption =>
  spec.kind === 'integer' || spec.kind === 'size' || spec.kind === 'duration';

function number(spec: NumberOption, flag: string, text: string): number {
  if (spec.kind === 'size') {
    const bytes = parseSize(text);
    if (bytes !== undefined) return bytes;
    throw wrong('CLI004', `${flag}: '${text}' is no size`, 'Write for example 512MiB or 2GiB.');
  }
  if (spec.kind === 'duration') {
    const seconds = parseDuration(text);
    if (seconds !== undefined) return seconds;
    throw wrong('CLI004', `${flag}: '${text}' is no duration`, 'Write for example 90s, 5m or 30d.');
  }
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw wrong('CLI004', `${flag}: '${text}' is no whole number from 1`);
}

function choose(choices: readonly string[] | undefined, flag: string, text: string): string {
  if (!choices || choices.includes(text)) return text;
  const near = likely(text, choices);
  throw wrong(
    'CLI004',
    `${flag}: '${text}' is not one of ${choices.join(', ')}`,
    near && `Did you mean '${near}'?`,
  );
}

function readOption(
  token: Extract<Token, { kind: 'option' }>,
  options: Options,
  into: Record<string, unknown>,
): void {
  const flag = token.rawName;
  const spec = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
  if (!spec) {
    const near = likely(token.name, Object.keys(options));
    throw wrong('CLI002', `Unknown option '${flag}'`, near && `Did you mean '--${near}'?`);
  }
  if (spec.kind === 'flag') {
    if (token.value !== undefined) throw wrong('CLI003', `${flag} takes no value`);
    into[token.name] = true;
    return;
  }
  const value = token.value;
  if (value === undefined || value === '' || (!token.inlineValue && /^-./.test(value))) {
    throw wrong('CLI003', `${flag} needs a value: ${flag} ${spec.placeholder}`);
  }
  if (spec.kind === 'list') {
    const words = value.split(',').filter((word) => word !== '');
    if (words.length === 0)
      throw wrong('CLI003', `${flag} needs a value: ${flag} ${spec.placeholder}`);
    const known = words.map((word) => choose(spec.choices, flag, word));
    into[token.name] = [...((into[token.name] as string[] | undefined) ?? []), ...known];
  } else if (isNumber(spec)) {
    into[token.name] = number(spec, flag, value);
  } else {
    into[token.name] = choose(spec.choices, flag, value);
  }
}

function checkCount(args: readonly string[], specs: readonly ArgumentSpec[]): void {
  const empty = specs[args.indexOf('')];
  if (empty) throw wrong('CLI005', `Argument ${empty.name} is empty: ${empty.describe}`);
  const missing = specs[args.length];
  if (missing && !missing.optional) {
    throw wrong('CLI005', `Missing argument ${missing.name}: ${missing.describe}`);
  }
  if (args.length > specs.length && !specs.at(-1)?.many) {
    throw wrong('CLI006', `Unexpected argument '${args[specs.length]}'`);
  }
}

/** Only the options; what a wrong command line can still say about itself (`--no-color`). */
export function parseOptions(argv: readonly string[], options: Options): Parsed {
  const values: Record<string, unknown> = {};
  const args: string[] = [];
  for (const [name, spec] of Object.entries(options)) {
    if (spec.kind === 'flag') values[name] = false;
    else if (spec.kind === 'list') values[name] = [];
  }
  for (const token of tokenize(argv, options)) {
    if (token.kind === 'positional') args.push(token.value);
    else if (token.kind === 'option') readOption(token, options, values);
  }
  return { args, options: values };
}

/**
 * Arguments and options of one command.
 * Throws CLI002 unknown option, CLI003 missing or needless value, CLI004 wrong value, CLI005
 * missing argument, CLI006 argument too many; all with exit code 2.
 */
export function parseCommand(
  argv: readonly string[],
  options: Options,
  specs: readonly ArgumentSpec[],
): Parsed {
  const parsed = parseOptions(argv, options);
  if (parsed.options['help'] !== true) checkCount(parsed.args, specs);
  return parsed;
}
