/** Who builds, and how the build is shut in, leaves no trace in the tree. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheWithoutTrees } from './support/cache.ts';
import { buildLayer, lockLayer } from './support/environment.ts';
import type { Built } from './support/environment.ts';
import { copyProgram } from './support/program-copy.ts';
import { isRoot } from './support/programs.ts';
import { addUser } from './support/throw-away-user.ts';
import type { User } from './support/throw-away-user.ts';

/** Small, but with users, setuid programs, capabilities, byte-compiled Python and units. */
const LAYER = `vse: 1
name: modes
version: 1.0.0
extends: debian-12-repositories
add:
  packages: [adduser, dbus, iputils-ping, procps, python3-minimal, systemd, openssh-server]
  users:
    guest: { uid: 2000, groups: [users] }
  scripts:
    marks: { run: "echo made > /opt/made; chown guest: /opt/made; ln /opt/made /opt/again" }
`;

const WITHOUT_SYS_ADMIN = ['--bounding-set=-sys_admin', '--inh-caps=-sys_admin'];

// Not below a folder that only root may enter.
const scratch = mkdtempSync(join(tmpdir(), 'vsec-modes-'));
let program: string;
let layer: string;
let reference: Built;
let user: User | undefined;

beforeAll(async () => {
  chmodSync(scratch, 0o755);
  layer = (await lockLayer(scratch, 'modes', LAYER)).path;
  // Fetches what the others find in their caches; builds in the mode that a person here would get.
  reference = await buildLayer(layer, join(scratch, 'out-reference'), ['--format', 'tar']);
  program = copyProgram(join(scratch, 'program'));
});

afterAll(() => {
  user?.remove();
  rmSync(scratch, { recursive: true, force: true });
});

/** Builds as `setpriv ARGS` would have it, with a cache that holds no tree; returns the digest. */
function digestAs(
  who: string,
  privileges: readonly string[],
  sandbox: string,
  owner?: User,
): string {
  const home = join(scratch, who);
  const cache = join(home, 'cache');
  cacheWithoutTrees(cache);
  for (const name of ['modes.yaml', 'modes.lock.json'])
    copyFileSync(join(scratch, name), join(home, name));
  if (owner) for (const path of [home, cache]) chownSync(path, owner.uid, owner.gid);
  const vsec = [process.execPath, program, 'build', join(home, 'modes.yaml')];
  const options = ['--locked', '--offline', '--json', '--progress', 'plain', '--format', 'tar'];
  const { status, stdout, stderr } = spawnSync(
    'setpriv',
    [...privileges, ...vsec, ...options, '--sandbox', sandbox, '-O', join(home, 'out')],
    {
      encoding: 'utf8',
      cwd: home,
      env: { PATH: process.env['PATH'], HOME: home, VSEC_CACHE_DIR: cache },
    },
  );
  expect(status, stderr).toBe(0);
  const digest = (JSON.parse(stdout) as Built).manifest.rootfs.digest;
  // A plain user could not remove files of subordinate ids.
  expect(execFileSync('find', [home, '-uid', '+99999'], { encoding: 'utf8' })).toBe('');
  // Two whole trees are enough on the disk at a time.
  rmSync(home, { recursive: true, force: true });
  return digest;
}

const works = (program: string, args: readonly string[]): boolean =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0;

describe('the same tree', () => {
  test('by root in a mount namespace', (context) => {
    if (!isRoot) context.skip('needs root');
    if (!works('unshare', ['--mount', 'true'])) context.skip('root here lacks CAP_SYS_ADMIN');
    expect(digestAs('root', [], 'mount')).toBe(reference.manifest.rootfs.digest);
  });

  test('by root without CAP_SYS_ADMIN, as in a container, in a chroot', (context) => {
    if (!isRoot) context.skip('needs root');
    const confined = [...WITHOUT_SYS_ADMIN, 'unshare', '--mount', 'true'];
    expect(works('setpriv', confined), 'the capability is really gone').toBe(false);
    expect(digestAs('confined', WITHOUT_SYS_ADMIN, 'chroot')).toBe(
      reference.manifest.rootfs.digest,
    );
  });

  test('by an ordinary user in a user namespace', (context) => {
    if (!isRoot) context.skip('needs root, to make the user');
    user = addUser(join(scratch, 'home'));
    const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups'];
    const namespace = ['unshare', '--user', '--map-root-user', '--map-auto', '--mount', 'true'];
    if (!works('setpriv', [...ids, process.execPath, '--version']))
      context.skip(`an ordinary user may not start ${process.execPath}`);
    if (!works('setpriv', [...ids, ...namespace]))
      context.skip('an ordinary user may not make user namespaces here');
    expect(digestAs('user', ids, 'userns', user)).toBe(reference.manifest.rootfs.digest);
  });
});
