import { defineCommand } from '../command.ts';
import { examineHost, type Finding } from '../health.ts';
import { json } from '../options.ts';
import type { Colors } from '../terminal.ts';

function mark(state: Finding['state'], c: Colors): string {
  return { ok: c.green('ok'), limited: c.yellow('limited'), missing: c.red('missing') }[state];
}

export default defineCommand({
  description: `Looks at what vsec needs of this machine and says what is missing, with the command
    that mends it: Node.js, the sandbox that builds run in, room in the cache, the addresses of
    package mirrors, and whether guests can run with KVM.

    Nothing is downloaded. Exit code 1 says that nothing can be built here.`,
  arguments: [],
  options: { json },
  examples: [
    { command: 'vsec doctor', does: 'before the first build on a machine' },
    { command: 'vsec doctor --json', does: 'for a program that sets up machines' },
  ],
  async run({ options, session }) {
    const findings = await examineHost(session.context);
    const able = findings.every((finding) => finding.state !== 'missing');
    if (options.json) {
      session.printJson({ able, findings });
      return able ? 0 : 1;
    }
    const c = session.colors;
    const width = Math.max(...findings.map((finding) => finding.topic.length));
    for (const { topic, state, detail, remedy } of findings) {
      const pad = ' '.repeat('missing'.length - state.length);
      session.print(`${mark(state, c)}${pad}  ${topic.padEnd(width)}  ${detail}`);
      if (remedy !== undefined) session.print(`${' '.repeat(width + 11)}→ ${remedy}`);
    }
    return able ? 0 : 1;
  },
});
