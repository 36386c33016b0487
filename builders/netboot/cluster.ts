/** The nodes of a cluster: which machine, known by its MAC address, becomes what. */
import { isIP } from 'node:net';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import { misuse } from '../../vse/diagnostic.ts';

/** Only what a shim's shell takes for plain words passes; see `value` in the shim's common.sh. */
const name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'is no host name (a-z, 0-9, -, up to 63)');
const mac = z
  .string()
  .regex(/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/, 'is no MAC address (00:16:3e:00:00:01)')
  .transform((text) => text.toLowerCase());
const ip = z.string().refine((text) => isIP(text) !== 0, 'is no IP address');
const network = z.string().refine((text) => {
  const [address = '', length = '', ...rest] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && /^\d{1,3}$/.test(length) && Number(length) <= bits;
}, 'is no address with a prefix length (10.0.0.11/24)');

const node = z.strictObject({
  mac,
  address: z.union([z.literal('dhcp'), network]).default('dhcp'),
  gateway: ip.exactOptional(),
  dns: z.array(ip).default([]),
  /** Name of a bundle, `cfd_2.1.0_amd64`; the only one that is served when absent. */
  image: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.+~_-]*$/, 'is no name of a bundle')
    .exactOptional(),
});
const document = z.strictObject({
  cluster: name.default('cluster'),
  nodes: z.record(name, node).default({}),
});

export type NodeConfig = Readonly<z.infer<typeof node>> & { readonly name: string };

export interface Cluster {
  readonly name: string;
  readonly nodes: readonly NodeConfig[];
}

/**
 * Reads the text of a nodes file. BOOT071 with everything that is wrong in it, exit code 2. `file`
 * is its name, for the message.
 */
export function readCluster(text: string, file: string): Cluster {
  const yaml = parseDocument(text);
  const [syntax] = yaml.errors;
  if (syntax) throw invalid(file, [syntax.message.split('\n')[0] as string]);
  const result = document.safeParse(yaml.toJS() ?? {});
  if (!result.success)
    throw invalid(
      file,
      result.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`),
    );
  const nodes = Object.entries(result.data.nodes).map(([key, rest]) => ({ name: key, ...rest }));
  const doubles = nodes.filter((one, at) => nodes.findIndex(({ mac }) => mac === one.mac) < at);
  if (doubles.length > 0)
    throw invalid(
      file,
      doubles.map((one) => `nodes.${one.name}: another node has the MAC address ${one.mac}`),
    );
  return { name: result.data.cluster, nodes };
}

const invalid = (file: string, problems: readonly string[]) =>
  misuse('BOOT071', `${file} does not describe the nodes of a cluster`, {
    notes: problems.map((message) => ({ message })),
    hint: 'see docs/netboot.md for an example',
  });
