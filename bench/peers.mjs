// The peers: each makes a tar of the very packages that vsec's lock names, from the same mirrors.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Commands by the name of the peer. `address` gives what vsec uses for a logical mirror; files go
 * to the folder `work`.
 */
export function peerCommands(lock, address, work) {
  const { release } = lock.distribution;
  const tar = join(work, 'peer.tar');
  const tree = join(work, 'peer-tree');
  const sources = join(work, 'peer.list');
  writeFileSync(
    sources,
    [
      `deb ${address('debian')} ${release} main`,
      `deb ${address('debian')} ${release}-updates main`,
      `deb ${address('debian-security')} ${release}-security main`,
    ].join('\n') + '\n',
  );
  const names = lock.packages.map(({ name }) => name);
  const before = () => {
    rmSync(tar, { force: true });
    rmSync(tree, { recursive: true, force: true });
  };
  return {
    mmdebstrap: {
      before,
      argv: [
        ...['mmdebstrap', '--quiet', '--variant=essential'],
        `--include=${lock.packages.map((pkg) => `${pkg.name}=${pkg.version}`).join(',')}`,
        ...[release, tar, sources],
      ],
    },
    // It knows one suite and no versions: the same names, the release's own versions of them.
    debootstrap: {
      before,
      argv: [
        ...[
          'sh',
          '-c',
          'debootstrap --variant=minbase "$1" "$2" "$3" "$4" >&2 && tar -C "$3" -cf "$5" .',
        ],
        ...['sh', `--include=${names.join(',')}`, release, tree, address('debian'), tar],
      ],
    },
  };
}
