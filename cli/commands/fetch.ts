import { resolve } from 'node:path';
import { MANIFEST, readManifest } from '../../builders/manifest.ts';
import { fetchBundle } from '../../repos/publish/fetch-bundle.ts';
import { defineCommand } from '../command.ts';
import { json } from '../options.ts';

export default defineCommand({
  description: `Fetches a published bundle and verifies it: its signature against the publishers that
    your configuration trusts, each file by its digest. It appears at its final name,
    NAME_VERSION_ARCHITECTURE, only when it is whole; a run that was stopped is gone on with.
    Prints the bundle's path.`,
  arguments: [
    { name: 'REF', describe: 'oci://registry.example/site/cfd:2.1.0, or https://…#sha256=…' },
  ],
  options: {
    'output-directory': {
      kind: 'directory',
      short: 'O',
      placeholder: 'DIR',
      describe: 'Where to put the bundle (default: the current folder)',
    },
    json,
  },
  examples: [
    { command: 'vsec fetch oci://registry.example/site/cfd:2.1.0', does: 'into this folder' },
    {
      command: 'vsec boot "$(vsec fetch oci://registry.example/site/cfd:stable)"',
      does: 'fetch, then boot what was fetched',
    },
  ],
  async run({ args: [reference = ''], options, session }) {
    const folder = resolve(options['output-directory'] ?? '.');
    const fetched = await fetchBundle(reference, folder, MANIFEST, session.context);
    const manifest = await readManifest(fetched.bundle);
    if (options.json) session.printJson({ ...fetched, manifest });
    else {
      const state = fetched.unchanged ? 'is there already' : 'fetched';
      session.say(`${manifest.name} ${manifest.version} ${state}, signed by ${fetched.signedBy}`);
      session.print(fetched.bundle);
    }
    return 0;
  },
});
