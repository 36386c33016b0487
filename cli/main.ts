/** The program: finds the command, runs it, and turns what became of it into an exit code. */
import { misuse, VsecError } from '../vse/diagnostic.ts';
import type { AnyCommand, CommandEntry } from './command.ts';
import { explainFailure } from './failures.ts';
import { globalOptions } from './options.ts';
import { commandPosition, likely, parseCommand, parseOptions } from './parse.ts';
import type { Progress } from './progress/progress.ts';
import { lenientOptions, openProgress, openSession, type SessionOptions } from './session.ts';
import { INTERRUPTED, watchSignals } from './signals.ts';
import { commands, findCommand } from './table.ts';
import { colors, guardStreams, outputDelivered, wantsColor } from './terminal.ts';

const env = process.env;

function stdoutColors(noColor: boolean) {
  return colors(wantsColor(env, process.stdout.isTTY, noColor));
}

/** Shows what was thrown and gives the exit code that belongs to it. */
function fail(thrown: unknown, progress: Progress, verbose: boolean): number {
  const failure = explainFailure(thrown);
  for (const diagnostic of failure.diagnostics) progress.event({ type: 'diagnostic', diagnostic });
  if (verbose && failure.stack !== undefined) progress.insist(failure.stack);
  progress.close();
  return failure.exitCode;
}

/** What there is to do when no command is named: version, overview. */
async function runBare(argv: readonly string[]): Promise<number> {
  const { options } = parseOptions(argv, globalOptions);
  if (options['version'] === true) {
    const { versionLine } = await import('./version.ts');
    process.stdout.write(`${versionLine()}\n`);
  } else {
    const { overview } = await import('./help.ts');
    process.stdout.write(overview(stdoutColors(options['no-color'] === true)));
  }
  return 0;
}

function unknownCommand(name: string): Error {
  const near = likely(
    name,
    commands.map((entry) => entry.name),
  );
  return misuse('CLI001', `Unknown command '${name}'`, {
    hint: near ? `Did you mean 'vsec ${near}'?` : "'vsec help' lists the commands.",
  });
}

/** What follows an option of a command that stands too early is no command. */
function strayOption(before: readonly string[]): Error | undefined {
  try {
    parseOptions(before, globalOptions);
    return undefined;
  } catch (error) {
    if (!(error instanceof VsecError)) throw error;
    const [{ code, message } = { code: '', message: '' }] = error.diagnostics;
    return misuse(code, message, {
      hint: "Options of a command come after its name: 'vsec COMMAND --option'.",
    });
  }
}

async function runCommand(
  entry: CommandEntry,
  command: AnyCommand,
  argv: readonly string[],
): Promise<number> {
  const parsed = parseCommand(argv, { ...command.options, ...globalOptions }, command.arguments);
  const options: SessionOptions & { help?: boolean; version?: boolean } = parsed.options;
  if (options.version) return runBare(['--version']);
  if (options.help) {
    const { commandHelp } = await import('./help.ts');
    const c = stdoutColors(options['no-color'] ?? false);
    process.stdout.write(commandHelp(entry, command, c));
    return 0;
  }
  const progress = openProgress(options, env);
  const interruption = watchSignals(() => progress.close());
  // A bug in a callback must not leave the terminal without its cursor.
  process.on('exit', () => progress.close());
  process.on('uncaughtException', (thrown) => {
    process.exit(fail(thrown, progress, options.verbose ?? false));
  });
  try {
    const session = openSession(options, env, progress, interruption.signal);
    return await command.run({ args: parsed.args, options: parsed.options as never, session });
  } catch (thrown) {
    if (!interruption.signal.aborted) return fail(thrown, progress, options.verbose ?? false);
    progress.close();
    if (options.verbose) progress.insist(String(thrown));
    progress.insist('vsec: interrupted');
    return INTERRUPTED;
  } finally {
    progress.close();
    interruption.release();
  }
}

async function main(argv: readonly string[]): Promise<number> {
  try {
    const position = commandPosition(argv, globalOptions);
    const name = position === undefined ? undefined : argv[position];
    if (position === undefined || name === undefined) return await runBare(argv);
    const entry = findCommand(name);
    if (!entry) throw strayOption(argv.slice(0, position)) ?? unknownCommand(name);
    const command = await entry.load();
    return await runCommand(entry, command, argv.toSpliced(position, 1));
  } catch (thrown) {
    const progress = openProgress(lenientOptions(argv), env);
    return fail(thrown, progress, argv.includes('-v') || argv.includes('--verbose'));
  }
}

guardStreams();
const exitCode = await main(process.argv.slice(2));
await outputDelivered();
process.exit(exitCode);
