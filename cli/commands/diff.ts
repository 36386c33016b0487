import { misuse } from '../../vse/diagnostic.ts';
import { arch, architectureName } from '../architecture.ts';
import { defineCommand, type ArgumentSpec } from '../command.ts';
import { compareSides } from '../diff/compare.ts';
import { comparisonMarkdown } from '../diff/markdown.ts';
import { openSide } from '../diff/sides.ts';
import { comparisonText } from '../diff/text.ts';
import { json } from '../options.ts';

const side = (name: string): ArgumentSpec => ({
  name,
  describe: "an environment, a lock (…lock.json) or a bundle's folder",
  complete: 'file',
});

export default defineCommand({
  description: `Compares two environments, locks or bundles, of the same kind or not: options and whose
    lines set them; packages added, removed, upgraded and downgraded, and their sizes; kernel and its
    command line; of bundles the tree and every file by its digest. What only one of the two can
    tell is left out. An environment's packages are those of the lock beside it.

    Exit code 0 says that they are the same, 1 that they differ.`,
  arguments: [side('A'), side('B')],
  options: {
    format: {
      kind: 'text',
      placeholder: 'FORMAT',
      choices: ['text', 'markdown', 'json'],
      describe: 'How to print it; markdown is for a comment on a merge request',
    },
    arch: { ...arch, describe: 'Compare this architecture of locks that hold several' },
    json,
  },
  examples: [
    { command: 'vsec diff debian-12 cfd.yaml', does: 'what an environment changes in its base' },
    { command: 'vsec diff old.lock.json cfd.lock.json', does: 'what an update brings' },
    { command: 'vsec diff cfd_2.0.0_amd64 cfd_2.1.0_amd64', does: 'what changed between releases' },
    { command: 'vsec diff main.lock.json cfd.lock.json --format markdown', does: 'for reviewers' },
  ],
  async run({ args: [first = '', second = ''], options, session }) {
    const wanted = options.arch === undefined ? undefined : architectureName(options.arch);
    const a = await openSide(first, session, wanted);
    const b = await openSide(second, session, wanted);
    if (!(a.vse && b.vse) && !(a.lock && b.lock)) {
      throw misuse('CLI009', `There is nothing to compare in ${first} and ${second}`, {
        hint: "Lock the environment first: 'vsec lock ENV'.",
      });
    }
    const found = compareSides(a, b);
    const format = options.json ? 'json' : options.format;
    if (format === 'json') session.printJson(found);
    else if (format === 'markdown') session.print(comparisonMarkdown(found));
    else if (found.differs) session.print(comparisonText(found, session.colors));
    return found.differs ? 1 : 0;
  },
});
