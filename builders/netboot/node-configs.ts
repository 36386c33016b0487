/** The xl configurations of a cluster's nodes, with their head node pinned. */
import type { GlueFile, GoldenImage } from '../backend.ts';
import type { Cluster } from './cluster.ts';
import { nodeFor } from './documents.ts';
import { disklessConfig, netbootConfig, nodeConfig } from './glue.ts';
import type { PublishedBundle } from './published.ts';

/**
 * `netboot-NODE.cfg` and `node-NODE.cfg` for every node of `image`, and `diskless-NODE.cfg`: as in the
 * bundle, but with the node's name and MAC address, and with the head node's address and key on the
 * shim's command line. Where the cluster names no nodes, one set that any machine can be made from.
 */
export function nodeConfigs(
  image: GoldenImage,
  bundles: readonly PublishedBundle[],
  cluster: Cluster,
  server: string,
  key: string,
): readonly GlueFile[] {
  if (cluster.nodes.length === 0) return configsFor(image, server, key);
  return cluster.nodes
    .filter(({ mac }) => nodeFor(mac, cluster, bundles)?.bundle.stem === image.stem)
    .flatMap(({ name, mac }) => {
      const [first = {}, ...others] = image.machine.nics;
      const machine = { ...image.machine, nics: [{ ...first, mac }, ...others] };
      return configsFor({ ...image, name, machine }, server, key);
    });
}

function configsFor(node: GoldenImage, server: string, key: string): readonly GlueFile[] {
  const { streams = {} } = node.netboot ?? {};
  const pinned = { server, key };
  return [
    ...(streams['tar.zst']
      ? [
          text(`netboot-${node.name}.cfg`, netbootConfig(node, pinned)),
          text(`node-${node.name}.cfg`, nodeConfig(node)),
        ]
      : []),
    ...(streams['squashfs']
      ? [text(`diskless-${node.name}.cfg`, disklessConfig(node, pinned))]
      : []),
  ];
}

const text = (path: string, content: string): GlueFile => ({ path, content, mode: 0o644 });
