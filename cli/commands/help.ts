import { misuse } from '../../vse/diagnostic.ts';
import { defineCommand } from '../command.ts';
import { commandHelp, overview } from '../help.ts';
import { likely } from '../parse.ts';
import { commands, findCommand } from '../table.ts';

export default defineCommand({
  description: 'Explains a command: what it does, its options, and examples.',
  arguments: [
    {
      name: 'COMMAND',
      describe: 'the command; without it, all commands are listed',
      optional: true,
      complete: 'command',
    },
  ],
  options: {},
  examples: [
    { command: 'vsec help', does: 'list the commands' },
    { command: 'vsec help build', does: 'explain one' },
  ],
  async run({ args, session }) {
    const [name] = args;
    if (name === undefined) {
      session.print(overview(session.colors));
      return 0;
    }
    const entry = findCommand(name);
    if (!entry) {
      const near = likely(
        name,
        commands.map((c) => c.name),
      );
      throw misuse('CLI001', `Unknown command '${name}'`, {
        hint: near ? `Did you mean 'vsec help ${near}'?` : "'vsec help' lists the commands.",
      });
    }
    session.print(commandHelp(entry, await entry.load(), session.colors));
    return 0;
  },
});
