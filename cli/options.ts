/** Options that every command understands, and those that several share. */
import type { FlagOption, NumberOption, Options } from './command.ts';

export const PROGRESS_KINDS = ['auto', 'tty', 'plain', 'json', 'none'] as const;
export type ProgressKind = (typeof PROGRESS_KINDS)[number];

/** May stand before or after the command's name. */
export const globalOptions = {
  help: { kind: 'flag', short: 'h', describe: 'Show help for the command' },
  version: { kind: 'flag', describe: 'Show the version' },
  progress: {
    kind: 'text',
    placeholder: 'KIND',
    choices: PROGRESS_KINDS,
    describe: 'How to show progress on standard error',
  },
  quiet: { kind: 'flag', short: 'q', describe: 'Show errors and results only' },
  verbose: { kind: 'flag', short: 'v', describe: 'Show more of what happens, and stacks of bugs' },
  'no-color': { kind: 'flag', describe: 'No colours (also: NO_COLOR)' },
  'cache-dir': {
    kind: 'directory',
    placeholder: 'DIR',
    describe: 'Where downloads and built stages are kept (also: VSEC_CACHE_DIR)',
  },
} as const satisfies Options;

export const json: FlagOption = {
  kind: 'flag',
  describe: 'Print the result as JSON on standard output',
};

export const offline: FlagOption = {
  kind: 'flag',
  describe: 'No network: use only what is in the cache',
};

export const jobs: NumberOption = {
  kind: 'integer',
  short: 'j',
  placeholder: 'N',
  describe: 'How many things to do at once (default: the number of processors)',
};

export const insecure: FlagOption = {
  kind: 'flag',
  describe: 'Accept unsigned package indexes; the lock and the manifest say so',
};
