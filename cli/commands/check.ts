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
    much as can be found in one run, with the place, and what to do. Needs no network, except for a
    published base that is not in the cache yet; whether the packages exist and fit together is seen by 'vsec lock'.

    Exit code 2 says that there is an error; warnings alone give 0.`,
  arguments: [{ ...ENV, many: true }],
  options: {
    format: {
      kind: 'text',
      placeholder: 'FORMAT',
      choices: ['text', 'json', 'sarif'],
      describe: 'How to say it: for people, as JSON, or as SARIF 2.1.0 (default: text)',
    },
    json: { ...json, describe: 'The same as --format json' },
  },
  examples: [
    { command: 'vsec check cfd.yaml', does: 'while you write' },
    { command: 'vsec check envs/*.yaml --json', does: 'for an editor or a CI pipeline' },
    {
      command: 'vsec check envs/*.yaml --format sarif > vsec.sarif',
      does: 'for a code host, which shows it beside the lines',
    },
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
    const format = options.json ? 'json' : options.format;
    if (format === 'json') session.printJson(diagnostics.map(toJson));
    else if (format === 'sarif') {
      const [{ toSarif }, { packageVersion }] = await Promise.all([
        import('../sarif.ts'),
        import('../version.ts'),
      ]);
      session.printJson(toSarif(diagnostics, packageVersion(), process.cwd()));
    } else {
      session.diagnose(diagnostics);
      for (const line of valid) session.print(line);
      const errors = diagnostics.filter((d) => d.severity === 'error').length;
      if (errors > 0) session.say(plural(errors, 'error'));
    }
    return valid.length === args.length ? 0 : 2;
  },
});
