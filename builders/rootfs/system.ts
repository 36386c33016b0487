/** Settings of the whole system: names, time, language, network, what this image is. */
import { failure } from '../../vse/diagnostic.ts';
import type { InterfaceConfig } from '../../vse/types.ts';
import type { FinishRecipe } from './recipe.ts';
import { Tree } from './tree.ts';

/** Writes a file of ours, replacing a link instead of following it; see `Tree.write`. */
export const put = (root: string, path: string, content: string, mode?: number): void =>
  new Tree(root).write(path, content, mode);

/** Is there something at `path`, links followed inside the tree? */
export const has = (root: string, path: string): boolean => new Tree(root).has(path);

function networkUnit(pattern: string, config: InterfaceConfig): string {
  const lines = ['[Match]', `Name=${pattern}`, '', '[Network]'];
  if (config.addresses === 'dhcp') lines.push('DHCP=yes');
  else lines.push(...config.addresses.map((address) => `Address=${address}`));
  if (config.gateway) lines.push(`Gateway=${config.gateway}`);
  lines.push(...(config.dns ?? []).map((server) => `DNS=${server}`));
  if (config.addresses === 'dhcp')
    // A clone of the image has another machine-id; the lease follows the network card.
    lines.push('', '[DHCPv4]', 'ClientIdentifier=mac', 'UseDomains=yes');
  return `${lines.join('\n')}\n`;
}

function writeNetwork(root: string, network: FinishRecipe['network']): void {
  const dir = 'etc/systemd/network';
  for (const [pattern, config] of Object.entries(network)) {
    const name = pattern.replaceAll(/[^A-Za-z0-9.-]/g, '_');
    put(root, `${dir}/50-vse-${name}.network`, networkUnit(pattern, config));
  }
  put(root, `${dir}/80-vse-dhcp.network`, networkUnit('en* eth*', { addresses: 'dhcp' }));
}

function writeTimezone(root: string, zone: string): void {
  if (zone !== 'UTC' && zone !== 'Etc/UTC' && !has(root, `usr/share/zoneinfo/${zone}`))
    throw failure('BUILD166', `no time zone ${zone} in the image`, {
      notes: [{ message: 'option timezone' }],
      hint: 'add the package tzdata (or tzdata-legacy for old names), or correct the name',
    });
  new Tree(root).symlink('etc/localtime', `/usr/share/zoneinfo/${zone}`);
  put(root, 'etc/timezone', `${zone}\n`);
}

/** `KEY="value"` as os-release(5) wants it. */
const assignment = (key: string, value: string): string =>
  `${key}="${value.replaceAll(/["$`\\]/g, '\\$&')}"`;

export function writeSystem(root: string, recipe: FinishRecipe): void {
  const tree = new Tree(root);
  if (!tree.stat(tree.entry('etc/mtab'))) tree.symlink('etc/mtab', '../proc/self/mounts');
  const { hostname } = recipe;
  if (hostname) put(root, 'etc/hostname', `${hostname}\n`);
  else tree.remove('etc/hostname');
  put(
    root,
    'etc/hosts',
    [
      '127.0.0.1 localhost',
      ...(hostname ? [`127.0.1.1 ${hostname}`] : []),
      '::1 localhost ip6-localhost ip6-loopback',
      'ff02::1 ip6-allnodes',
      'ff02::2 ip6-allrouters',
      '',
    ].join('\n'),
  );
  if (recipe.timezone) writeTimezone(root, recipe.timezone);
  if (recipe.keymap) put(root, 'etc/vconsole.conf', `KEYMAP=${recipe.keymap}\n`);
  if (tree.has('usr/lib/systemd/systemd-networkd') || tree.has('lib/systemd/systemd-networkd'))
    writeNetwork(root, recipe.network);
  put(
    root,
    'etc/vse-release',
    [
      assignment('VSE_NAME', recipe.name),
      assignment('VSE_VERSION', recipe.version),
      assignment('VSE_ROOT_LABEL', recipe.rootLabel),
      '',
    ].join('\n'),
  );
}
