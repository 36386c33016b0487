import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { goldenImage } from '../../builders/manifest.ts';
import type { Cluster } from '../../builders/netboot/cluster.ts';
import { readCluster } from '../../builders/netboot/cluster.ts';
import { nodeConfigs } from '../../builders/netboot/node-configs.ts';
import { startHeadNode } from '../../builders/netboot/head-node.ts';
import type { PublishedBundle } from '../../builders/netboot/published.ts';
import { publish } from '../../builders/netboot/published.ts';
import type { SigningKey } from '../../builders/netboot/signify.ts';
import { keyAt } from '../../builders/netboot/signify.ts';
import { misuse } from '../../vse/diagnostic.ts';
import { defineCommand } from '../command.ts';
import type { Session } from '../session.ts';

/** The port that shims expect of a head node that they found by DHCP. */
const PORT = 8086;

/** `HOST`, `HOST:PORT`, `:PORT` or `[V6]:PORT`. */
function address(text: string): { readonly host: string; readonly port: number } {
  const [, v6, host = '', port = String(PORT)] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const number = Number(port);
  if ((v6 ?? host) === '' && !text.startsWith(':'))
    throw misuse('CLI040', `${JSON.stringify(text)} is no address to listen on`, {
      hint: 'write HOST:PORT, as in 10.0.0.1:8086 or [::1]:8086',
    });
  if (number > 65535)
    throw misuse('CLI040', `there is no port ${port}`, { hint: 'ports go up to 65535' });
  return { host: v6 ?? (host || '0.0.0.0'), port: number };
}

function defaultKey({ context: { env } }: Session): string {
  const config = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  return join(config, 'vsec', 'head-node.key');
}

function clusterIn(file: string | undefined): Cluster {
  if (file === undefined) return { name: 'cluster', nodes: [] };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (problem) {
    throw misuse('CLI041', `cannot read ${file}: ${(problem as NodeJS.ErrnoException).code}`);
  }
  return readCluster(text, file);
}

interface Written {
  readonly folder: string;
  readonly server: string;
  readonly key: SigningKey;
}

function writeConfigs(
  bundles: readonly PublishedBundle[],
  cluster: Cluster,
  { folder, server, key }: Written,
): number {
  mkdirSync(folder, { recursive: true });
  let count = 0;
  for (const bundle of bundles) {
    const image = goldenImage(bundle.manifest);
    for (const { path, content } of nodeConfigs(image, bundles, cluster, server, key.public)) {
      writeFileSync(join(folder, path), content);
      count++;
    }
  }
  return count;
}

export default defineCommand({
  description: `The head node's side of netbooting: serves the configuration of cluster and nodes,
    signed, and the images of bundles, in whole or in ranges, over HTTP. Runs until Ctrl-C; every
    request is a line on standard error.

    Nodes are known by their MAC addresses, from a file (see docs/netboot.md). Without one and with
    one bundle, every machine that asks becomes a node of it. The first run makes the head node's
    key; its public half is what nodes are given as vsec.key.`,
  arguments: [{ name: 'BUNDLE', describe: "a bundle's folder", many: true, complete: 'directory' }],
  options: {
    listen: {
      kind: 'text',
      placeholder: 'HOST:PORT',
      describe: `Where to serve (default: 127.0.0.1:${PORT})`,
    },
    nodes: { kind: 'file', placeholder: 'FILE', describe: 'The nodes of the cluster, in YAML' },
    key: {
      kind: 'file',
      placeholder: 'FILE',
      describe: "The head node's private key (default: head-node.key in vsec's configuration)",
    },
    images: {
      kind: 'text',
      placeholder: 'URL',
      describe: 'Where nodes get images, when not here: http://… or rsync://HOST/MODULE',
    },
    'write-configs': {
      kind: 'directory',
      placeholder: 'DIR',
      describe: 'First write xl configurations of each node, with server and key pinned',
    },
    server: {
      kind: 'text',
      placeholder: 'URL',
      describe: 'This server as nodes reach it, http://… (default: where it listens)',
    },
  },
  examples: [
    { command: 'vsec serve cfd_2.1.0_amd64 --listen 10.0.0.1', does: 'every machine may come' },
    {
      command: 'vsec serve cfd_2.1.0_amd64 --nodes nodes.yaml --write-configs xl',
      does: 'known nodes, and what xl creates them from',
    },
  ],
  async run({ args, options, session }) {
    const bundles: PublishedBundle[] = [];
    for (const folder of args) bundles.push(await publish(resolve(folder)));
    const cluster = clusterIn(options.nodes);
    const key = keyAt(resolve(options.key ?? defaultKey(session)));
    const where = address(options.listen ?? '127.0.0.1');
    if (options.images !== undefined && !/^(http|rsync):\/\/[\w.:/-]+$/.test(options.images))
      throw misuse('CLI042', `nodes cannot fetch images from ${JSON.stringify(options.images)}`, {
        hint: 'http:// or rsync://, then letters, digits, ., :, /, _ and -',
      });
    const { context } = session;
    const head = await startHeadNode(
      {
        ...{ bundles, cluster, key, ...where },
        ...(options.server !== undefined && { url: options.server.replace(/\/+$/, '') }),
        ...(options.images !== undefined && { images: options.images.replace(/\/+$/, '') }),
      },
      context,
    );
    try {
      const host = where.host.includes(':') ? `[${where.host}]` : where.host;
      const server = options.server ?? `http://${host}:${head.port}`;
      const folder = options['write-configs'];
      if (folder !== undefined) {
        const written = writeConfigs(bundles, cluster, { folder: resolve(folder), server, key });
        session.say(`wrote ${written} configurations to ${folder}`);
      }
      session.print(`vsec.server=${server} vsec.key=${key.public}`);
      for (const { stem } of bundles) session.say(`serving ${stem} on ${server}`);
      // Ctrl-C is how this ends; what is said afterwards is the program's own business.
      await new Promise<void>((resolve) => {
        if (context.signal.aborted) resolve();
        context.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } finally {
      await head.close();
    }
    return 0;
  },
});
