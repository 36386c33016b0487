import { layerSchema } from '../../vse/schema.ts';
import { defineCommand } from '../command.ts';

export default defineCommand({
  description: `Prints the JSON Schema of a layer, made from the same definition that validates it.
    An editor that knows it completes keys and marks mistakes as one types. With the YAML language
    server, which most editors use, a layer names its schema in its first line:
    # yaml-language-server: $schema=vse.schema.json`,
  arguments: [],
  options: {},
  examples: [
    { command: 'vsec schema > vse.schema.json', does: 'then name it in the first line of a layer' },
  ],
  run({ session }) {
    session.printJson(layerSchema());
    return Promise.resolve(0);
  },
});
