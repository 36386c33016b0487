import { misuse } from '../../vse/diagnostic.ts';
import { defineCommand } from '../command.ts';
import { completionScript, SHELLS } from '../completion.ts';

export default defineCommand({
  description: `Prints a script that teaches a shell vsec's commands, options and their values.`,
  arguments: [{ name: 'SHELL', describe: SHELLS.join(', '), complete: SHELLS }],
  options: {},
  examples: [
    { command: 'eval "$(vsec completion bash)"', does: 'in ~/.bashrc' },
    { command: 'vsec completion zsh > "${fpath[1]}/_vsec"', does: 'once, for zsh' },
    { command: 'vsec completion fish | source', does: 'in config.fish' },
  ],
  async run({ args, session }) {
    const shell = SHELLS.find((name) => name === args[0]);
    if (!shell) {
      throw misuse('CLI004', `No completion for shell '${args[0]}'`, {
        hint: `Choose one of ${SHELLS.join(', ')}.`,
      });
    }
    session.print(await completionScript(shell));
    return 0;
  },
});
