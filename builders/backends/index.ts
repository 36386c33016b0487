/** The registry of backends: the one place that a new hypervisor's file is named in. */
import { closest, distance } from 'fastest-levenshtein';
import { misuse } from '../../vse/diagnostic.ts';
import type { Backend } from '../backend.ts';
import { diskless } from './diskless.ts';
import { kvm } from './kvm.ts';
import { netboot } from './netboot.ts';
import { palacios } from './palacios.ts';
import { qemu } from './qemu.ts';
import { v3m } from './v3m.ts';
import { vmware } from './vmware.ts';
import { xenHost } from './xen-host.ts';
import { xenHvm } from './xen-hvm.ts';
import { xenPv } from './xen-pv.ts';
import { xenPvh } from './xen-pvh.ts';

/** In the order in which they are listed to people. */
export const backends: readonly Backend[] = [
  qemu,
  kvm,
  xenPv,
  xenPvh,
  xenHvm,
  xenHost,
  vmware,
  palacios,
  v3m,
  netboot,
  diskless,
];

/** The backend of that name; an unknown one is a `VsecError` (BUILD400, exit code 2). */
export function backendByName(name: string): Backend {
  const found = backends.find((backend) => backend.name === name);
  if (found) return found;
  const names = backends.map((backend) => backend.name);
  const near = closest(name, names);
  throw misuse('BUILD400', `there is no backend ${JSON.stringify(name)}`, {
    notes: [{ message: `there are ${names.join(', ')}` }],
    hint: distance(name, near) <= 2 ? `did you mean ${near}?` : undefined,
  });
}
