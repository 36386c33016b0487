/** The menu of GNU Info's manuals, whose entries come in the order in which it finds the manuals. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Inside } from '../sandbox/inside.ts';
import { has, put } from './system.ts';

const UPDATE = 'usr/sbin/update-info-dir';
/** Emptied with /run at the end. */
const PROGRAMS = 'run/vsec-sorted';
const FIND = '#!/bin/sh\n/usr/bin/find "$@" | LC_ALL=C /usr/bin/sort\n';

/**
 * Writes the menu anew in the order of names: the order of a folder differs between file systems,
 * and in memory it is that of unpacking.
 */
export async function sortInfoMenu(inside: Inside): Promise<void> {
  const { root } = inside;
  if (!has(root, UPDATE) || !has(root, 'usr/share/info/dir')) return;
  for (const name of ['dir', 'dir.old'])
    rmSync(join(root, 'usr/share/info', name), { force: true });
  put(root, `${PROGRAMS}/find`, FIND, 0o755);
  await inside.run([`/${UPDATE}`], {
    env: { PATH: `/${PROGRAMS}:/usr/sbin:/usr/bin:/sbin:/bin` },
  });
}
