/**
 * The same packages installed by vsec and by mmdebstrap, which goes through apt and dpkg all the
 * way: every difference between the trees has a reason, or it is a defect.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { differences, sameLines, unexplained } from './support/compare-trees.ts';
import type { Difference, Explanation } from './support/compare-trees.ts';
import { buildLayer, lockLayer } from './support/environment.ts';
import { mmdebstrap, sourcesOf } from './support/mmdebstrap.ts';
import { ensureJudges, isRoot, needs } from './support/programs.ts';
import { readTarTree } from './support/tar-tree.ts';

/** Packages with every kind of maintainer script: debconf, ucf, triggers, alternatives, users, … */
const LAYER = `vse: 1
name: compared
version: 1.0.0
extends: debian-12-repositories
add:
  packages:
    [adduser, bash-completion, ca-certificates, cron, dbus, emacs-nox, fontconfig, info,
     iputils-ping, libpam-systemd, locales, logrotate, man-db, openssh-server, procps, python3,
     rsyslog, sudo, systemd-sysv, tzdata, udev, vim-tiny, xml-core]
`;

const COMPARED_BY_CONTENT =
  /^\/etc\/(passwd|group|g?shadow|shells)$|^\/var\/lib\/dpkg\/(status|triggers\/File)$|^\/usr\/share\/info\/dir$|\.pyc$/;

/** Numbers between 100 and 999 are given in the order in which packages are configured. */
const withoutDynamicIds = (line: string): string => line.replaceAll(/:[1-9]\d\d\b/g, ':N');

/** Bytes 4 to 15 of compiled Python hold how the source is recognised: by its time or its hash. */
const samePython = ({ ours, theirs }: Difference): boolean =>
  Boolean(ours?.content && theirs?.content?.subarray(16).equals(ours.content.subarray(16)));

const explanations = (epoch: number): readonly Explanation[] => [
  // What belongs to one machine or one run, and is made when the image boots.
  { path: /^\/dev\//, kinds: ['missing'], because: 'the kernel makes /dev at boot' },
  { path: /^\/run\//, kinds: ['missing'], because: '/run is in memory' },
  {
    path: /^\/etc\/ssh\/ssh_host_\w+_key(\.pub)?$/,
    kinds: ['missing'],
    because: 'host keys belong to one machine; made at first boot',
  },
  {
    path: /^\/etc\/machine-id$/,
    kinds: ['mode'],
    because: 'empty in both; ours read-only, as systemd makes it',
  },
  {
    path: /^\/root\/\.ssh$|^\/var\/(cache|lib|log)\/private$|^\/var\/lib\/systemd\/(coredump|pstore)$|^\/var\/log\/README$/,
    kinds: ['missing'],
    because: 'systemd-tmpfiles makes them at boot; in a build it works in some sandboxes only',
  },
  {
    path: /^\/var\/log\/journal$/,
    kinds: ['mode', 'owner'],
    because: 'systemd-tmpfiles sets them at boot',
  },
  {
    path: /^\/etc\/(passwd|group|shadow|gshadow)-$|-old$|^\/etc\/\.pwd\.lock$/,
    kinds: ['missing'],
    because: 'backups and locks of the last change',
  },
  {
    path: /^\/var\/lib\/dpkg\/(lock|lock-frontend|triggers\/(Lock|Unincorp))$/,
    kinds: ['missing'],
    because: 'locks and queues that are empty',
  },
  {
    path: /^\/var\/cache\/(man|fontconfig|ldconfig)\//,
    kinds: ['missing'],
    because: 'caches with times of the build in them; made anew when they are used',
  },
  { path: /^\/var\/log\/.*\.log$/, kinds: ['missing'], because: 'logs of the build' },

  // What mmdebstrap does for apt, which is not among the packages, and takes from its host.
  {
    path: /^\/etc\/apt\/(apt\.conf\.d\/99mmdebstrap|preferences\.d|sources\.list\.d|sources\.list)(\/|$)|^\/var\/(cache|lib|log)\/apt(\/|$)/,
    kinds: ['missing'],
    because: "mmdebstrap's own configuration and state of apt",
  },
  {
    path: /^\/var\/lib\/dpkg\/arch$/,
    kinds: ['missing'],
    because: 'mmdebstrap lists the one architecture for apt; dpkg knows its own',
  },
  {
    path: /^\/etc\/(hostname|resolv\.conf)$/,
    kinds: ['missing'],
    because: "copied from mmdebstrap's host",
  },
  {
    path: /^\/etc\/fstab$/,
    kinds: ['missing'],
    because: 'a placeholder; vsec writes one for what boots',
  },

  // What vsec adds to every image.
  {
    path: /^\/etc\/(hosts|vse-release|systemd\/network\/80-vse-dhcp\.network)$/,
    kinds: ['extra'],
    because: 'settings of the VSE and network by DHCP',
  },
  {
    path: /^\/var\/lib\/dpkg\/available$/,
    kinds: ['extra'],
    because: 'empty, as debootstrap leaves it; mmdebstrap removes it',
  },

  // Order.
  {
    path: /^\/etc\/(passwd|group|shadow|gshadow)$/,
    kinds: ['content'],
    because: 'the same accounts, in the order in which packages were configured',
    proof: sameLines(withoutDynamicIds),
  },
  {
    path: /^\/etc\/shells$|^\/var\/lib\/dpkg\/triggers\/File$/,
    kinds: ['content'],
    because: 'the same lines, in the order in which packages were configured',
    proof: sameLines(),
  },
  {
    path: /^\/usr\/share\/info\/dir\.old$/,
    kinds: ['missing'],
    because: 'the menu as it was before its last change',
  },
  {
    path: /^\/usr\/share\/info\/dir$/,
    kinds: ['content'],
    because: 'the same lines, in the order of names and not in that of a folder',
    proof: sameLines(),
  },
  {
    path: /^\/var\/lib\/dpkg\/status$/,
    kinds: ['content'],
    because: 'blanks at the end of lines are not kept',
    proof: sameLines(),
  },
  {
    path: /^\/usr\/local\/share\/fonts$/,
    kinds: ['extra'],
    because:
      "fontconfig-config makes it where /usr/local/share is there: after base-files, as a person's system has it",
  },
  {
    path: /^\/usr\/share\/python3\/debpython\/__pycache__\/\w+\.cpython-\d+\.pyc$/,
    kinds: ['content'],
    because: 'compiled when first imported, so that they hold the time of the source',
    proof: samePython,
  },

  // Times.
  {
    path: /^/,
    kinds: ['mtime'],
    because: "folders, and what was written while installing, are of the lock's time",
    proof: ({ ours }) => ours?.mtime === epoch,
  },
];

const scratch = mkdtempSync(join(tmpdir(), 'vsec-mmdebstrap-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('the tree is the one that mmdebstrap makes of the same packages, but for what is explained', async (context) => {
  ensureJudges();
  needs(context, 'mmdebstrap', 'mmdebstrap');
  if (!isRoot) context.skip('needs root: mmdebstrap and vsec shall have the same way');
  const { path, lock } = await lockLayer(scratch, 'compared', LAYER);
  const sources = await sourcesOf(lock);
  if (sources.length === 0) context.skip("the host's apt knows no repository of this release");

  const { bundle, manifest } = await buildLayer(path, join(scratch, 'out'), ['--format', 'tar']);
  const ourTar = manifest.artifacts.find(({ format }) => format === 'tar')!;
  const theirTar = join(scratch, 'mmdebstrap.tar');
  await mmdebstrap(lock, sources, theirTar);

  const keep = (name: string): boolean => COMPARED_BY_CONTENT.test(name);
  const ours = await readTarTree(join(bundle, ourTar.file), keep);
  const theirs = await readTarTree(theirTar, keep);
  expect(theirs.size).toBeGreaterThan(10_000);
  expect(unexplained(differences(ours, theirs), explanations(lock.epoch))).toEqual([]);
});
