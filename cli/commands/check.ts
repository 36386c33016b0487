import type { Diagnostic } from '../../vse/diagnostic.ts';
import { defineCommand } from '../command.ts';
import { toJson } from '../diagnostics.ts';
import { ENV, examineEnvironment } from '../environment.ts';
import { plural } from '../format.ts';
import { json } from '../options.ts';

/** One complaint about a layer that several environments share is one complaint. */
function withoutRepetition(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...new Map(diagnostics.map((d) => [JSON.stringify(d), d])).values()];
}

export default defineCommand({
  description: `Validates environments: every layer by itself, and what they are together. Says as
    much as can be found in one run, with the place, and what to do. Needs no network; whether the
    packages exist and fit together is seen by 'vsec lock'.

    Exit code 2 says that there is an error; warnings alone give 0.`,
  arguments: [{ ...ENV, many: true }],
  options: { json },
  examples: [
    { command: 'vsec check cfd.yaml', does: 'while you write' },
    { command: 'vsec check envs/*.yaml --json', does: 'for an editor or a CI pipeline' },
  ],
  async run({ args, options, session }) {
    const found: Diagnostic[] = [];
    const valid: string[] = [];
    for (const target of args) {
      const { vse, diagnostics } = await examineEnvironment(target, session);
      found.push(...diagnostics);
      if (vse) {
        const layers = plural(vse.layers.length, 'layer');
        const packages = plural(vse.packages.length, 'requested package');
        valid.push(`${target}: ${vse.name} ${vse.version} is valid (${layers}, ${packages})`);
      }
    }
    const diagnostics = withoutRepetition(found);
    if (options.json) session.printJson(diagnostics.map(toJson));
    else {
      session.diagnose(diagnostics);
      for (const line of valid) session.print(line);
      const errors = diagnostics.filter((d) => d.severity === 'error').length;
      if (errors > 0) session.say(plural(errors, 'error'));
    }
    return valid.length === args.length ? 0 : 2;
  },
});
