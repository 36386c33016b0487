import { readFileSync } from 'node:fs';
import { failure } from '../../vse/diagnostic.ts';
import { layerSchema } from '../../vse/schema.ts';
import { defineCommand } from '../command.ts';

/** The JSON Schema of a layer, as it is printed and written. */
export const schemaText = (): string => `${JSON.stringify(layerSchema(), null, 2)}\n`;

export default defineCommand({
  description: `Prints the JSON Schema of a layer, made from the same definition that validates it.
    An editor that knows it completes keys and marks mistakes as one types. With the YAML language
    server, which most editors use, a layer names its schema in its first line, as 'vsec init'
    writes it: # yaml-language-server: $schema=./vse.schema.json

    With --check nothing is printed, and the exit code is 1 if FILE is not the schema of this vsec.`,
  arguments: [],
  options: {
    check: { kind: 'file', placeholder: 'FILE', describe: 'Is FILE the schema of this vsec?' },
  },
  examples: [
    { command: 'vsec schema > vse.schema.json', does: 'beside your layers, after an update' },
    { command: 'vsec schema --check vse.schema.json', does: 'in CI' },
  ],
  run({ options, session }) {
    const { check } = options;
    if (check === undefined) session.print(schemaText());
    else if (readFileSync(check, 'utf8') !== schemaText())
      throw failure('CLI012', `${check} is not the schema of this vsec`, {
        hint: `Write it anew: vsec schema > ${check}`,
      });
    return Promise.resolve(0);
  },
});
