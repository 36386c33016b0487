import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { MANIFEST, readManifest } from '../../builders/manifest.ts';
import { openTarget } from '../../repos/oci/open.ts';
import { publishBase, type PublishedAs } from '../../repos/publish/publish-base.ts';
import { publishBundle } from '../../repos/publish/publish-bundle.ts';
import { isTag } from '../../repos/oci/reference.ts';
import { defaultKeyFile, openSigner, type Signer } from '../../repos/signing/signer.ts';
import { fingerprint, showPublicKey } from '../../repos/signing/public-key.ts';
import { misuse } from '../../vse/diagnostic.ts';
import { localLayers } from '../../vse/reach.ts';
import { defineCommand } from '../command.ts';
import { loadOptions, refuseNothing } from '../environment.ts';
import { formatBytes, plural } from '../format.ts';
import { json } from '../options.ts';
import type { Session } from '../session.ts';

/** How others name it. */
function usage(to: string, { digest, version }: PublishedAs): string {
  if (!to.includes('://'))
    return `https://…/${to.replace(/^.*\//, '')}#${digest.replace(':', '=')}`;
  return `${to.replace(/:[^/:]+$/, '')}:${version}`;
}

function summary(made: PublishedAs, signer: Signer, reference: string): string {
  return [
    `Published ${made.kind} ${made.version}: ${plural(made.files.length, 'file')}, ${formatBytes(made.size)}`,
    ...made.files.map((file) => `  ${file}`),
    `  tags ${made.tags.join(', ')}`,
    `  ${made.digest}`,
    `  signed by ${fingerprint(signer.key)}`,
    ...(reference.startsWith('oci') ? trustIn(signer, reference) : []),
  ].join('\n');
}

/** What those who use it have to write, once: their configuration is all that vsec believes. */
const trustIn = ({ key }: Signer, reference: string): readonly string[] => [
  '  trusted by who has in ~/.config/vsec/config.yaml:',
  `    publishers: { '${dirname(reference)}': '${showPublicKey(key)}' }`,
];

async function publish(
  target: string,
  to: string,
  tags: readonly string[],
  signer: Signer,
  session: Session,
): Promise<PublishedAs> {
  const { context } = session;
  const options = { tags, signer };
  if (existsSync(target) && statSync(target).isDirectory()) {
    const { name, version, artifacts } = await readManifest(target);
    const destination = openTarget(to, name, context);
    const files = { manifest: MANIFEST, others: ['SHA256SUMS'], artifacts };
    const bundle = { folder: target, name, version, ...files };
    return publishBundle(bundle, destination, options, context).finally(() =>
      destination.target.close(),
    );
  }
  const layers = await localLayers(target, loadOptions(target, session));
  const destination = openTarget(to, layers.at(-1)?.layer.name ?? target, context);
  return publishBase(layers, destination, options, context).finally(() =>
    destination.target.close(),
  );
}

export default defineCommand({
  description: `Publishes a base, or a bundle that was built, as one signed artifact: into an OCI
    registry, or into a folder in the OCI image layout that any web server can serve. A base takes
    along its local parents, keys and files; those that are shipped with vsec or are published
    themselves stay names.

    It is tagged with its version, which can be published once: a change needs a higher version.
    Others use it with 'extends: oci://…' or 'vsec fetch', once they trust your key (vsec key).
    Prints what to write there.`,
  arguments: [
    { name: 'TARGET', describe: 'path of a base (site.yaml) or of a bundle', complete: 'file' },
  ],
  options: {
    to: {
      kind: 'text',
      placeholder: 'DEST',
      describe: 'oci://registry/path, or the path of a folder',
    },
    key: {
      kind: 'file',
      placeholder: 'FILE',
      describe: "Key to sign with: vsec's or ssh's (also: VSEC_SIGNING_KEY)",
    },
    tag: { kind: 'list', placeholder: 'TAG', describe: 'Further tags, such as stable' },
    json,
  },
  examples: [
    { command: 'vsec publish site.yaml --to oci://registry.example/site/base', does: 'a base' },
    { command: 'vsec publish site.yaml --to /srv/www/bases/site', does: 'for a web server' },
    {
      command: 'vsec publish cfd_2.1.0_amd64 --to oci://registry.example/site/cfd --tag stable',
      does: 'a bundle',
    },
  ],
  async run({ args: [target = ''], options, session }) {
    const { to } = options;
    if (to === undefined)
      throw misuse('CLI005', "'vsec publish' needs --to", {
        hint: "As in '--to oci://registry.example/site/base' or '--to ./public/base'.",
      });
    const bad = options.tag.find((tag) => !isTag(tag));
    if (bad !== undefined)
      throw misuse('CLI004', `'${bad}' cannot be a tag`, {
        hint: 'Letters, digits, dots, dashes and underscores.',
      });
    refuseNothing(target);
    const { context } = session;
    const signer = await openSigner(options.key ?? defaultKeyFile(context.env), context);
    const made = await publish(target, to, options.tag, signer, session);
    const use = usage(to, made);
    if (options.json) session.printJson({ ...made, reference: use });
    else {
      session.say(summary(made, signer, use));
      session.print(use);
    }
    return 0;
  },
});
