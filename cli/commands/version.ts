import { defineCommand } from '../command.ts';
import { json } from '../options.ts';
import { versionInfo } from '../version.ts';

export default defineCommand({
  description: `Prints the version of vsec, of Node.js, and of the checkout that it runs from. Put
    this output into reports of bugs.`,
  arguments: [],
  options: { json },
  examples: [
    { command: 'vsec version', does: 'what to put into a report' },
    { command: 'vsec version --json', does: 'the same for a program' },
  ],
  run({ options, session }) {
    const info = versionInfo();
    if (options.json) session.printJson(info);
    else {
      session.print(`vsec ${info.version}`);
      session.print(`node ${info.node} on ${info.platform}`);
      if (info.commit !== null) session.print(`checkout at ${info.commit}`);
    }
    return Promise.resolve(0);
  },
});
