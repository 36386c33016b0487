import { describe, expect, it } from 'vitest';
import { readCluster } from '../../../builders/netboot/cluster.ts';

const node = (body: string, name = 'n1'): string => `nodes:\n  ${name}: {${body}}\n`;

describe('a file of nodes', () => {
  it('names machines by their MAC addresses', () => {
    const text = `cluster: hpc1
nodes:
  n1: {mac: "00:16:3E:00:00:01"}
  n2: {mac: "00:16:3e:00:00:02", address: 10.0.0.12/24, gateway: 10.0.0.1, dns: [10.0.0.1]}
`;
    expect(readCluster(text, 'nodes.yaml')).toEqual({
      name: 'hpc1',
      nodes: [
        { name: 'n1', mac: '00:16:3e:00:00:01', address: 'dhcp', dns: [] },
        {
          ...{ name: 'n2', mac: '00:16:3e:00:00:02', address: '10.0.0.12/24' },
          ...{ gateway: '10.0.0.1', dns: ['10.0.0.1'] },
        },
      ],
    });
  });

  const MAC = 'mac: "00:16:3e:00:00:01"';
  it.each([
    ['no MAC address', node('address: dhcp')],
    ['a MAC address with more', node('mac: "00:16:3e:00:00:01; reboot"')],
    ['a host name with a command', node(MAC, '"n1;reboot"')],
    ['a host name with a slash', node(MAC, '"../n1"')],
    ['a host name with a line break', node(MAC, '"n1\\nimage x"')],
    ['a long host name', node(MAC, 'a'.repeat(64))],
    ['an address without its length', node(`${MAC}, address: 10.0.0.1`)],
    ['an address with a wrong length', node(`${MAC}, address: 10.0.0.1/33`)],
    ['an address with a command', node(`${MAC}, address: "10.0.0.1/24 $(reboot)"`)],
    ['a gateway that is a name', node(`${MAC}, gateway: router`)],
    ['an image with a path', node(`${MAC}, image: ../etc`)],
    ['an image that is an option', node(`${MAC}, image: "-O"`)],
    ['an unknown key', node(`${MAC}, macc: x`)],
    ['a cluster that is no name', 'cluster: "a b"\n'],
    ['one address twice', `nodes:\n  a: {${MAC}}\n  b: {${MAC}}\n`],
    ['a list', '- a\n'],
    ['no YAML', 'nodes: [\n'],
  ])('refuses %s', (_, text) => {
    expect(() => readCluster(text, 'nodes.yaml')).toThrow('BOOT071');
  });
});
