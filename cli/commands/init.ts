import { existsSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { SCHEMA_FILE, starterLayer } from '../../vse/starter.ts';
import { defineCommand } from '../command.ts';
import { openEnvironment } from '../environment.ts';
import { schemaText } from './schema.ts';
import { writeNew } from '../new-file.ts';

const DEFAULT_BASE = 'debian-12';

export default defineCommand({
  description: `Writes a commented starter layer, NAME.yaml, into the current folder. It is valid as
    it stands; an existing file is never overwritten. Its first line names the schema that editors
    check it with, vse.schema.json, which is written beside it unless it is there.`,
  arguments: [
    { name: 'NAME', describe: "the environment's name (default: the folder's)", optional: true },
  ],
  options: {
    extends: {
      kind: 'text',
      placeholder: 'BASE',
      complete: 'base',
      describe: `what it builds on: a base's name, ./a-layer.yaml or oci://… (default: ${DEFAULT_BASE})`,
    },
  },
  examples: [
    { command: 'vsec init myenv', does: 'on the default base' },
    { command: 'vsec init cfd --extends debian-12-hpc', does: 'for parallel programs' },
    { command: 'vsec init cfd --extends ./site.yaml', does: "on a site's layer" },
    {
      command: 'vsec init cfd --extends oci://registry.example/site/base:2026.1',
      does: 'on a published one',
    },
  ],
  async run({ args: [name = basename(process.cwd())], options, session }) {
    const base = options.extends ?? DEFAULT_BASE;
    const text = starterLayer(name, base);
    await openEnvironment(base, session);
    const file = `${name}.yaml`;
    writeNew(file, text);
    if (!existsSync(SCHEMA_FILE)) writeFileSync(SCHEMA_FILE, schemaText());
    session.print(file);
    session.say(`Edit it, then: vsec check ${file}; vsec build ${file}`);
    return 0;
  },
});
