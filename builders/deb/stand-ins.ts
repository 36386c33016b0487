/** Programs that others stand in for while maintainer scripts run: one tree in every sandbox mode. */
import { renameSync } from 'node:fs';
import { Tree } from '../rootfs/tree.ts';

const KEPT = '.vsec-kept';

const STAND_INS: Readonly<
  Record<string, { readonly text: string; readonly whereMissing: boolean }>
> = {
  // Works only where /proc is mounted, which a bare chroot cannot do; the system runs it at boot.
  'usr/bin/systemd-tmpfiles': { text: '#!/bin/sh\nexit 0\n', whereMissing: false },
  // invoke-rc.d(8) and deb-systemd-invoke(1p) ask it: 101 forbids to start any service.
  'usr/sbin/policy-rc.d': { text: '#!/bin/sh\nexit 101\n', whereMissing: true },
  // ischroot(1) cannot tell in a process namespace; scripts then speak to an init that is not there.
  'usr/bin/ischroot': { text: '#!/bin/sh\nexit 0\n', whereMissing: false },
  // Keys of the host that this tree is not yet: a golden image has none (see rootfs/generic.ts).
  'usr/bin/ssh-keygen': {
    text: `#!/bin/sh\n[ "$DPKG_MAINTSCRIPT_PACKAGE" != openssh-server ] || exit 0\nexec /usr/bin/ssh-keygen${KEPT} "$@"\n`,
    whereMissing: false,
  },
};

/** Runs `work` with the stand-ins in place; the real programs are back when it ends. */
export async function withStandIns<T>(root: string, work: () => Promise<T>): Promise<T> {
  const before = new Tree(root);
  const placed: string[] = [];
  for (const [path, { text, whereMissing }] of Object.entries(STAND_INS)) {
    const real = before.existingEntry(path);
    if (real === undefined) continue;
    if (before.stat(real)) renameSync(before.host(real), before.host(real) + KEPT);
    else if (!whereMissing) continue;
    before.write(path, text, 0o755);
    placed.push(path);
  }
  try {
    return await work();
  } finally {
    const after = new Tree(root);
    for (const path of placed) {
      after.remove(path);
      const kept = after.existingEntry(path + KEPT);
      if (kept !== undefined && after.stat(kept))
        renameSync(after.host(kept), after.host(kept.slice(0, -KEPT.length)));
    }
  }
}
