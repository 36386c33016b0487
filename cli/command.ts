/**
 * What a command is. One definition per command gives its parsing, its help and its completion;
 * the types of its option values follow from it.
 */
import type { Session } from './session.ts';

interface OptionBase {
  /** One letter. */
  readonly short?: string;
  /** One line, for the help. */
  readonly describe: string;
}

/** A switch: given or not. */
export interface FlagOption extends OptionBase {
  readonly kind: 'flag';
}

/** Takes a value; `file` and `directory` are texts that a shell completes as paths. */
export interface TextOption extends OptionBase {
  readonly kind: 'text' | 'file' | 'directory';
  readonly placeholder: string;
  readonly choices?: readonly string[];
  /** A shell completes it with the names of bases. */
  readonly complete?: 'base';
}

/** May be repeated, and each value may hold several, separated by commas. */
export interface ListOption extends OptionBase {
  readonly kind: 'list';
  readonly placeholder: string;
  readonly choices?: readonly string[];
}

/** `integer`: a count from 1; `size`: bytes (`2GiB`); `duration`: seconds (`90`, `5m`, `30d`). */
export interface NumberOption extends OptionBase {
  readonly kind: 'integer' | 'size' | 'duration';
  readonly placeholder: string;
}

export type OptionSpec = FlagOption | TextOption | ListOption | NumberOption;
/** By long name. */
export type Options = Readonly<Record<string, OptionSpec>>;

export type OptionValue<S extends OptionSpec> = S extends FlagOption
  ? boolean
  : S extends ListOption
    ? readonly string[]
    : S extends NumberOption
      ? number | undefined
      : string | undefined;

export type OptionValues<O extends Options> = { readonly [K in keyof O]: OptionValue<O[K]> };

export interface ArgumentSpec {
  readonly name: string;
  readonly describe: string;
  readonly optional?: true;
  /** Takes all that remain; only the last argument may. */
  readonly many?: true;
  /** How a shell completes it. */
  readonly complete?:
    'file' | 'directory' | 'command' | 'environment' | 'package' | readonly string[];
}

export interface Example {
  readonly command: string;
  readonly does: string;
}

/** What a command is given once its arguments are understood. */
export interface Invocation<O extends Options = Options> {
  readonly args: readonly string[];
  readonly options: OptionValues<O>;
  readonly session: Session;
}

/** 0 done, 1 the work failed or differs, 2 wrong usage or a wrong description. */
export type ExitCode = 0 | 1 | 2;

export interface Command<O extends Options = Options> {
  /** One or more paragraphs, separated by empty lines. */
  readonly description: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: O;
  readonly examples: readonly Example[];
  run(invocation: Invocation<O>): Promise<ExitCode>;
}

/** A command whose options' types have been forgotten, as the table keeps it. */
export type AnyCommand = Command<Options>;

/** A row of the command table. The definition is loaded only when the command is used. */
export interface CommandEntry {
  readonly name: string;
  readonly group: string;
  /** One line, for the overview. */
  readonly summary: string;
  /** Called by programs: neither in the overview nor completed. */
  readonly hidden?: true;
  readonly load: () => Promise<AnyCommand>;
}

/** Defines a command; the type of `invocation.options` follows from `options`. */
export const defineCommand = <const O extends Options>(definition: Command<O>): AnyCommand =>
  definition as unknown as AnyCommand;
