import { showVse } from '../../vse/show.ts';
import type { TracedVse } from '../../vse/types.ts';
import { defineCommand } from '../command.ts';
import { ENV, openEnvironment } from '../environment.ts';
import { json } from '../options.ts';

/** The merged values and their origins, without what the compiler keeps for itself. */
function document(vse: TracedVse): unknown {
  const { name, version, description, digest, treeDigest, layers, config } = vse;
  const { packages, excluded, removed, origins } = vse;
  return {
    ...{ name, version, description, digest, treeDigest, layers, config },
    ...{ packages, excluded, removed, origins: Object.fromEntries(origins) },
  };
}

export default defineCommand({
  description: `Prints the merged environment as YAML: one layer that says what all the layers say
    together, each value with the place it came from in a comment. The output can be read by vsec
    again.`,
  arguments: [ENV],
  options: { json },
  examples: [
    { command: 'vsec show cfd.yaml', does: 'what the layers amount to' },
    { command: 'vsec show debian-12-hpc', does: 'what a shipped base holds' },
    { command: 'vsec show cfd.yaml --json | jq .config.image', does: 'for a program' },
  ],
  async run({ args: [target = ''], options, session }) {
    const vse = await openEnvironment(target, session);
    if (options.json) session.printJson(document(vse));
    else session.print(showVse(vse));
    return 0;
  },
});
