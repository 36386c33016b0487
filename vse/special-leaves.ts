/** Values with a syntax of their own: kernel parameters, addresses, network cards, credentials. */
import { isIP } from 'node:net';
import { all, at, mac, problem, text, wrongType } from './leaves.ts';
import { suggestion } from './nearest.ts';
import { shorten } from './node.ts';
import { problemsOf } from './shape.ts';
import type { Leaf, Reading, Value } from './shape.ts';

/** `true` for a bare word; text that no boot loader's quoting can trip over. */
export const cmdlineValue: Leaf = {
  kind: 'leaf',
  doc: 'The value of the parameter, or true for a bare word.',
  expects: 'a value, or true for a bare word',
  schema: {
    anyOf: [{ const: true }, { type: ['string', 'number'], pattern: '^[^\\s"\'\\\\$`<>|&]+$' }],
    examples: ['off', true],
  },
  read(node) {
    if (node.kind !== 'scalar' || node.value === null) return wrongType(this.expects, node);
    if (node.value === true) return { value: true };
    if (node.value === false)
      return wrongType(this.expects, node, 'To take a parameter away, use the remove block.');
    if (/^[!#-%(-;=?-_a-{}~]+$/.test(node.text) && !/[$\\]/.test(node.text))
      return { value: node.text };
    return problem(
      'VSE031',
      `'${shorten(node.text)}' cannot be the value of a kernel parameter`,
      'Printable ASCII without spaces, quotes and the characters \\ $ ` < > | & only.',
    );
  },
};

export const address = (prefix: boolean, doc = ''): Leaf => {
  const expects = prefix
    ? 'an address with its prefix length such as 10.0.0.5/24'
    : 'an IP address';
  return {
    kind: 'leaf',
    doc,
    expects,
    schema: { type: 'string', examples: [prefix ? '10.0.0.5/24' : '10.0.0.1'] },
    read(node) {
      if (node.kind !== 'scalar' || typeof node.value !== 'string') return wrongType(expects, node);
      const [ip = '', bits, more] = prefix ? node.text.split('/') : [node.text];
      const family = isIP(ip);
      const bitsFit = /^\d{1,3}$/.test(bits ?? '') && Number(bits) <= (family === 4 ? 32 : 128);
      if (family !== 0 && !ip.includes('%') && more === undefined && (!prefix || bitsFit))
        return { value: node.text };
      return problem('VSE024', `'${shorten(node.text)}' is not ${expects}`);
    },
  };
};

export const addresses: Leaf = {
  kind: 'leaf',
  doc: 'dhcp, or the fixed addresses.',
  default: 'dhcp',
  expects: "'dhcp' or a list of addresses with prefix length",
  schema: {
    anyOf: [{ const: 'dhcp' }, { type: 'array', items: { type: 'string' } }],
    examples: ['dhcp', ['10.0.0.5/24']],
  },
  read(node, surroundings) {
    if (node.kind === 'scalar' && node.value === 'dhcp') return { value: 'dhcp' };
    if (node.kind !== 'list') return wrongType(this.expects, node);
    return all(node.items.map((item) => at(item, address(true).read(item, surroundings))));
  },
};

const NIC: Readonly<Record<string, Leaf>> = {
  mac: mac('Hardware address; one is derived when absent.'),
  bridge: text({
    doc: 'Bridge of the host.',
    expects: 'the name of a bridge',
    pattern: '^[A-Za-z0-9_.-]{1,15}$',
    examples: ['br0'],
  }),
};

export const nic: Leaf = {
  kind: 'leaf',
  doc: 'A network card.',
  expects: 'a network card: {mac, bridge}, both optional',
  schema: {
    type: 'object',
    properties: { mac: NIC['mac']!.schema, bridge: NIC['bridge']!.schema },
    additionalProperties: false,
  },
  read(node, surroundings): Reading<Value> {
    if (node.kind !== 'map') return wrongType(this.expects, node);
    const read = node.entries.map(({ key, value }): Reading<Value> => {
      const leaf = Object.hasOwn(NIC, key) ? NIC[key] : undefined;
      if (leaf) return at(value, leaf.read(value, surroundings));
      const hint = suggestion(key, Object.keys(NIC));
      return problem('VSE020', `Unknown key '${shorten(key)}' of a network card`, hint, value);
    });
    const problems = read.flatMap(problemsOf);
    if (problems.length > 0) return { problems };
    const values = read.map((r) => ('value' in r ? r.value : ''));
    return { value: Object.fromEntries(node.entries.map((e, i) => [e.key, values[i]!])) };
  },
};

export const password = text({
  doc: 'Password as crypt(5) has it; no password opens the account when absent.',
  expects: 'a password hash',
  pattern: '^(!|\\*|!?\\$[0-9a-z]+\\$[^:\\s]+)$',
  hint: "Not the password itself: 'openssl passwd -6' prints its hash.",
  examples: ['$6$salt$hash'],
});

export const sshKey = text({
  doc: 'A line of authorized_keys.',
  expects: 'an OpenSSH public key',
  pattern:
    '^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\\.com) AAAA[A-Za-z0-9+/]+={0,3}( [^\\u0000-\\u001f\\u007f]*)?$',
  hint: "The one line of a file such as ~/.ssh/id_ed25519.pub: 'ssh-ed25519 AAAA… comment'.",
  examples: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@desk'],
});
