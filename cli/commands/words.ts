import { defineCommand } from '../command.ts';
import { completionWords, WORDS } from '../completion-words.ts';

export default defineCommand({
  description: `Prints what a shell may complete, a word to a line: environments and bases, bases
    alone, packages that are known from the last lock. The scripts of 'vsec completion' call it.`,
  arguments: [
    { name: 'KIND', describe: WORDS.join(', '), complete: WORDS },
    { name: 'PREFIX', describe: 'only words that begin so', optional: true },
  ],
  options: {},
  examples: [{ command: 'vsec words package libhdf5', does: 'what there is of HDF5' }],
  async run({ args: [kind = '', prefix = ''], session }) {
    const words = await completionWords(kind, prefix, session);
    if (words.length > 0) session.print(words.join('\n'));
    return 0;
  },
});
