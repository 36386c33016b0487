/** What a head node tells a shim: lines of a key and its value, which a shell can read. */
import type { Cluster, NodeConfig } from './cluster.ts';
import type { PublishedBundle } from './published.ts';

type Line = readonly [key: string, value: string | undefined];

const text = (lines: readonly Line[]): string =>
  lines
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key} ${value}\n`)
    .join('');

/** The configuration that all nodes share; `images` is where images are to be had. */
export const clusterDocument = (cluster: Cluster, images: string): string =>
  text([
    ['vsec-cluster', '1'],
    ['cluster', cluster.name],
    ['images', images],
  ]);

/** The configuration of one node. */
export const nodeDocument = (node: NodeConfig, image: string): string =>
  text([
    ['vsec-node', '1'],
    ['mac', node.mac],
    ['hostname', node.name],
    ['image', image],
    ['address', node.address],
    ['gateway', node.gateway],
    ['dns', node.dns.join(' ')],
  ]);

/**
 * The node with this MAC address and its bundle; `undefined` for a stranger. Without any node in
 * the cluster and with one bundle alone, every machine is a node of it.
 */
export function nodeFor(
  mac: string,
  cluster: Cluster,
  bundles: readonly PublishedBundle[],
): { readonly node: NodeConfig; readonly bundle: PublishedBundle } | undefined {
  const [only, ...others] = bundles;
  if (cluster.nodes.length === 0) {
    const bundle =
      bundles.find((one) => one.mac === mac) ?? (others.length === 0 ? only : undefined);
    if (!bundle) return undefined;
    const short = bundle.manifest.name.replaceAll(/[^a-z0-9]+/g, '-').replace(/-$/, '');
    const name = `${short.slice(0, 50)}-${mac.replaceAll(':', '').slice(-6)}`;
    return { bundle, node: { name, mac, address: 'dhcp', dns: [] } };
  }
  const node = cluster.nodes.find((one) => one.mac === mac);
  const bundle =
    node?.image === undefined && others.length === 0
      ? only
      : bundles.find(({ stem }) => stem === node?.image);
  return node && bundle && { node, bundle };
}
