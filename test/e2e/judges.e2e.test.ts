/** A bootable bundle before outside judges: none of these programs knows vsec. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lock } from '../../repos/lock.ts';
import { complaintsAboutCycloneDx } from '../support/cyclonedx.ts';
import { E2E_CACHE } from './support/cache.ts';
import { buildLayer, lockLayer } from './support/environment.ts';
import type { Built } from './support/environment.ts';
import { shippedByPackages } from './support/packages.ts';
import { ensureJudges, judge, needs, needsRoot } from './support/programs.ts';
import { readTarTree } from './support/tar-tree.ts';
import type { TarTree } from './support/tar-tree.ts';

const LAYER = `vse: 1
name: judged
version: 1.0.0
description: A small bootable environment for outside judges
extends: debian-12
add:
  users:
    guest: { uid: 2000, groups: [users], shell: /bin/bash }
  files:
    /etc/issue: { content: "judged\\n" }
    /opt/judged/hello: { content: "#!/bin/sh\\necho hello\\n", mode: "0755" }
`;

/** Configuration files of packages that LAYER changes. */
const CHANGED_BY_LAYER = ['/etc/issue'];

/** Paths that are not as their package ships them, because its own postinst changes them. */
const CHANGED_BY_PACKAGES: Readonly<Record<string, string>> = {
  '/etc/polkit-1/rules.d': "polkitd's: read by its own user alone",
  '/usr/bin/ssh-agent': "openssh-client's: group _ssh and setgid, so that nobody traces it",
  '/usr/lib/dbus-1.0/dbus-daemon-launch-helper': "dbus's: setuid root, for messagebus alone",
  '/usr/lib/polkit-1/polkit-agent-helper-1': "polkitd's: setuid root",
  '/usr/share/polkit-1/rules.d': "polkitd's: only polkitd reads the rules",
  '/var/lib/polkit-1': "polkitd's: its home",
  '/var/lock': "base-files': a link to /run/lock",
  '/var/run': "base-files': a link to /run",
};

const scratch = mkdtempSync(join(tmpdir(), 'vsec-judges-'));
const tree = join(scratch, 'tree');
let lock: Lock;
let built: Built;
let files: TarTree;
let raw: string;

const artefact = (format: string): string => {
  const found = built.manifest.artifacts.find((one) => one.format === format);
  if (!found) throw new Error(`the bundle has no ${format}`);
  return join(built.bundle, found.file);
};

beforeAll(async () => {
  ensureJudges();
  const locked = await lockLayer(scratch, 'judged', LAYER);
  lock = locked.lock;
  const formats = ['raw', 'qcow2', 'tar'].flatMap((name) => ['--format', name]);
  built = await buildLayer(locked.path, join(scratch, 'out'), formats);
  raw = artefact('raw');
  files = await readTarTree(artefact('tar'), (path) => /^\/etc\/(passwd|group)$/.test(path));
  mkdirSync(tree);
  // GNU tar is the judge of the archive: no warning, no complaint.
  expect(judge('tar', ['-xf', artefact('tar'), '--numeric-owner', '-C', tree])).toEqual({
    code: 0,
    output: '',
  });
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the packages', () => {
  test('dpkg --audit has no complaint', (context) => {
    needs(context, 'dpkg', 'dpkg');
    expect(judge('dpkg', [`--root=${tree}`, '--audit'])).toEqual({ code: 0, output: '' });
  });

  test('dpkg knows exactly the packages of the lock, all installed', (context) => {
    needs(context, 'dpkg-query', 'dpkg');
    const shown = judge('dpkg-query', [
      `--admindir=${tree}/var/lib/dpkg`,
      '--show',
      '--showformat=${Package} ${Version} ${Architecture} ${Status}\n',
    ]);
    const expected = lock.packages.map(
      (pkg) => `${pkg.name} ${pkg.version} ${pkg.architecture} install ok installed`,
    );
    expect(shown.output.split('\n').sort()).toEqual(expected.sort());
  });

  test('debsums finds nothing changed but what a layer changed', (context) => {
    needs(context, 'debsums', 'debsums');
    const { output } = judge('debsums', ['--all', '--silent', `--root=${tree}`]);
    const complaints = output.split('\n').filter((line) => line !== '');
    const changed = complaints.map((line) => / changed file (\S+) /.exec(line)?.[1] ?? line);
    expect(changed).toEqual(CHANGED_BY_LAYER.map((path) => tree + path));
  });

  test('every path is there with the type, mode and owner that its package ships', async (context) => {
    needs(context, 'dpkg-deb', 'dpkg');
    const differences: string[] = [];
    const changed = new Set<string>();
    for await (const { pkg, path, shipped } of shippedByPackages(lock, E2E_CACHE)) {
      if (CHANGED_BY_LAYER.includes(path)) continue;
      const found = files.get(path);
      const brief = (entry: typeof shipped): string =>
        `${entry.type} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${entry.link}`.trim();
      if (!found) differences.push(`${path} of ${pkg} is missing`);
      else if (brief(found) !== brief(shipped))
        if (Object.hasOwn(CHANGED_BY_PACKAGES, path)) changed.add(path);
        else differences.push(`${path} of ${pkg}: ships ${brief(shipped)}, is ${brief(found)}`);
      if (found && found.sha256 !== shipped.sha256)
        differences.push(`${path} of ${pkg}: another content`);
    }
    expect(differences).toEqual([]);
    // An entry that is no longer needed hides a difference that nobody explained.
    expect([...changed].sort()).toEqual(Object.keys(CHANGED_BY_PACKAGES).sort());
  });
});

describe('the disk', () => {
  const rootOffset = (): number => {
    const { output } = judge('sgdisk', ['--info=1', raw]);
    return Number(/First sector: (\d+)/.exec(output)?.[1]) * 512;
  };

  test('sgdisk -v finds no problem in the partition table', (context) => {
    needs(context, 'sgdisk', 'gdisk');
    const { code, output } = judge('sgdisk', ['-v', raw]);
    expect(output).toContain('No problems found.');
    expect(output).not.toMatch(/warning|caution/i);
    expect(code).toBe(0);
  });

  test('e2fsck finds nothing to repair', (context) => {
    needs(context, 'sgdisk', 'gdisk');
    needs(context, 'e2fsck', 'e2fsprogs');
    const { code, output } = judge('e2fsck', ['-f', '-n', `${raw}?offset=${rootOffset()}`]);
    expect(code, output).toBe(0);
  });

  test('the file system holds the tree: names, modes and owners', (context) => {
    needs(context, 'debugfs', 'e2fsprogs');
    const image = `${raw}?offset=${rootOffset()}`;
    for (const path of ['/etc/shadow', '/tmp', '/usr/bin/passwd', '/home/guest']) {
      const entry = files.get(path);
      const { output } = judge('debugfs', ['-R', `stat ${path}`, image]);
      const mode = /Mode:\s+0*(\d+)/.exec(output)?.[1];
      expect(`${path} ${mode}`).toBe(`${path} ${entry?.mode.toString(8)}`);
      expect(output).toMatch(new RegExp(`User:\\s+${entry?.uid}\\s+Group:\\s+${entry?.gid}\\s`));
    }
  });

  test('qemu-img check finds no error, and the qcow2 holds the raw disk', (context) => {
    needs(context, 'qemu-img', 'qemu-utils');
    const { code, output } = judge('qemu-img', ['check', artefact('qcow2')]);
    expect(output).toContain('No errors were found');
    expect(code).toBe(0);
    expect(judge('qemu-img', ['compare', raw, artefact('qcow2')])).toEqual({
      code: 0,
      output: 'Images are identical.',
    });
  });
});

describe('boot configuration', () => {
  const initrdName = (): string | undefined =>
    readdirSync(join(tree, 'boot')).find((name) => name.startsWith('initrd.img-'));

  test('grub-script-check accepts the boot menu, which names files that are there', (context) => {
    needs(context, 'grub-script-check', 'grub-common');
    const menu = join(tree, 'boot/grub/grub.cfg');
    expect(judge('grub-script-check', [menu])).toEqual({ code: 0, output: '' });
    const { output } = judge('sed', ['-nE', "s/^ *(linux|initrd) '?([^' ]+).*/\\2/p", menu]);
    const named = output.split('\n');
    expect(named).toHaveLength(2);
    for (const path of named) expect(resolveIn(files, path), path).toBeDefined();
  });

  test('the initrd beside the image is the one in it, byte by byte', () => {
    expect(judge('cmp', [artefact('initrd'), join(tree, 'boot', initrdName()!)]).code).toBe(0);
  });

  test('the initrd is one that the distribution can read, with drivers of every hypervisor', (context) => {
    needsRoot(context, "the tree's own lsinitramfs runs in a chroot");
    const initrd = `/boot/${initrdName()}`;
    const { code, output } = judge('chroot', [tree, '/usr/bin/lsinitramfs', initrd]);
    expect(code, output.slice(-500)).toBe(0);
    for (const driver of ['virtio_blk', 'xen-blkfront', 'vmw_pvscsi', 'hv_storvsc', 'nvme', 'ahci'])
      expect(output).toMatch(new RegExp(`/${driver}\\.ko`));
  });

  test('virt-xml-validate accepts every libvirt domain', (context) => {
    needs(context, 'virt-xml-validate', 'libvirt-clients');
    const domains = built.manifest.artifacts.filter(({ file }) => file.endsWith('.xml'));
    expect(domains.length).toBeGreaterThan(0);
    for (const { file } of domains) {
      const { code, output } = judge('virt-xml-validate', [join(built.bundle, file), 'domain']);
      expect(code, `${file}: ${output}`).toBe(0);
    }
  });
});

describe('the bundle', () => {
  test('sha256sum accepts SHA256SUMS, which leaves out no file', () => {
    const { code, output } = judge('sha256sum', ['--strict', '-c', 'SHA256SUMS'], built.bundle);
    expect(code, output).toBe(0);
    const checked = output.split('\n').map((line) => line.replace(/: OK$/, ''));
    const there = readdirSync(built.bundle, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'SHA256SUMS')
      .map((entry) => join(entry.parentPath, entry.name).slice(built.bundle.length + 1));
    expect(checked.sort()).toEqual(there.sort());
  });

  test('both bills of materials list the packages of the lock', async () => {
    const read = (name: string): unknown =>
      JSON.parse(readFileSync(join(built.bundle, name), 'utf8'));
    const cdx = read('sbom.cdx.json') as {
      components: { name: string; version: string; hashes: { content: string }[] }[];
    };
    expect(await complaintsAboutCycloneDx(cdx)).toEqual([]);
    const spdx = read('sbom.spdx.json') as {
      packages: { name: string; versionInfo: string; checksums: { checksumValue: string }[] }[];
    };
    const wanted = lock.packages.map(({ name, version, sha256 }) => `${name} ${version} ${sha256}`);
    expect(
      cdx.components.map((one) => `${one.name} ${one.version} ${one.hashes[0]?.content}`).sort(),
    ).toEqual(wanted.sort());
    expect(
      spdx.packages
        .filter(({ name }) => name !== 'judged')
        .map((one) => `${one.name} ${one.versionInfo} ${one.checksums[0]?.checksumValue}`)
        .sort(),
    ).toEqual(wanted.sort());
  });

  test('the manifest says what sha256sum says', () => {
    const { output } = judge('sha256sum', [artefact('tar')]);
    expect(`sha256:${output.split(' ')[0]}`).toBe(built.manifest.rootfs.digest);
  });
});

describe('the tree is generic', () => {
  const below = (folder: string): string[] =>
    [...files.keys()].filter((path) => path.startsWith(`${folder}/`));

  test('there is no identity of a machine in it', () => {
    expect(files.get('/etc/machine-id')).toMatchObject({ type: 'file', size: 0 });
    const identities = [...files.keys()].filter((path) =>
      /\/ssh_host_|\/random-seed$|^\/var\/lib\/dbus\/machine-id$|^\/etc\/(hostid|hostname)$/.test(
        path,
      ),
    );
    expect(identities).toEqual([]);
  });

  test('there are no logs, leases, locks or rests of the build in it', () => {
    const logs = below('/var/log').filter((path) => {
      const entry = files.get(path)!;
      return entry.type !== 'directory' && entry.size > 0;
    });
    expect(logs).toEqual([]);
    for (const folder of ['/tmp', '/var/tmp', '/run', '/dev', '/proc', '/sys', '/var/cache/apt'])
      expect(below(folder), folder).toEqual([]);
    const rests = [...files.keys()].filter((path) =>
      /\.(dpkg-(new|old|tmp|dist)|vsec-kept)$|\/policy-rc\.d$|\/\.pwd\.lock$|^\/etc\/\w+-$/.test(
        path,
      ),
    );
    expect(rests).toEqual([]);
  });

  test('nothing is younger than what it was resolved from', () => {
    const young = [...files].filter(([, { mtime }]) => mtime > lock.epoch);
    expect(young.map(([path]) => path)).toEqual([]);
  });

  test('the links that a system needs lead to something', () => {
    for (const [path, target] of [
      ['/bin', 'usr/bin'],
      ['/sbin', 'usr/sbin'],
      ['/lib', 'usr/lib'],
      ['/lib64', 'usr/lib64'],
      ['/var/run', '/run'],
      ['/var/lock', '/run/lock'],
      ['/etc/mtab', '../proc/self/mounts'],
      ['/etc/localtime', '/usr/share/zoneinfo/Etc/UTC'],
    ] as const)
      expect([path, files.get(path)?.link]).toEqual([path, target]);
    const dangling = [...files.keys()].filter(
      (path) =>
        /^\/(etc\/alternatives|usr\/s?bin|usr\/lib64)\//.test(path) &&
        files.get(path)?.type === 'symlink' &&
        resolveIn(files, path) === undefined,
    );
    expect(dangling).toEqual([]);
  });

  test('secrets and shared folders have the permissions that they need', () => {
    const text = (path: string): string => files.get(path)!.content!.toString();
    const id = (path: string, name: string): number =>
      Number(new RegExp(`^${name}:[^:]*:(\\d+):`, 'm').exec(text(path))?.[1]);
    const shadow = id('/etc/group', 'shadow');
    for (const [path, mode, uid, gid] of [
      ['/tmp', 0o1777, 0, 0],
      ['/var/tmp', 0o1777, 0, 0],
      ['/root', 0o700, 0, 0],
      ['/etc/passwd', 0o644, 0, 0],
      ['/etc/group', 0o644, 0, 0],
      ['/etc/shadow', 0o640, 0, shadow],
      ['/etc/gshadow', 0o640, 0, shadow],
      ['/home/guest', 0o700, 2000, 2000],
      ['/opt/judged/hello', 0o755, 0, 0],
      ['/usr/bin/su', 0o4755, 0, 0],
      ['/usr/sbin/unix_chkpwd', 0o2755, 0, shadow],
      ['/var/mail', 0o2775, 0, id('/etc/group', 'mail')],
      ['/var/log/btmp', 0o660, 0, id('/etc/group', 'utmp')],
    ] as const) {
      const entry = files.get(path);
      expect([path, entry?.mode.toString(8), entry?.uid, entry?.gid]).toEqual([
        path,
        mode.toString(8),
        uid,
        gid,
      ]);
    }
  });
});

/** The entry that `path` leads to inside the tree, through links; `undefined` when there is none. */
function resolveIn(within: TarTree, path: string, links = 0): string | undefined {
  let at = '';
  for (const part of path.split('/').filter((p) => p !== '' && p !== '.')) {
    if (part === '..') {
      at = at.slice(0, Math.max(at.lastIndexOf('/'), 0));
      continue;
    }
    const next = `${at}/${part}`;
    const entry = within.get(next);
    if (!entry) return undefined;
    if (entry.type !== 'symlink') at = next;
    else {
      if (links > 20) return undefined;
      const to = resolveIn(
        within,
        entry.link.startsWith('/') ? entry.link : `${at}/${entry.link}`,
        links + 1,
      );
      if (to === undefined) return undefined;
      at = to;
    }
  }
  return at;
}
