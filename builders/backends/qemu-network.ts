/** Network cards of a guest of QEMU, on user networking, which needs no privilege. */
import type { NicConfig } from '../../vse/types.ts';
import type { PxeServer } from '../backend.ts';
import type { Hardware } from './qemu-guest.ts';
import { qemuValue } from './quote.ts';

/** Values of `-netdev` and, without the model, of `-device`. */
export function nicArgs(
  nic: NicConfig,
  index: number,
): { readonly netdev: string; readonly options: string } {
  const mac = nic.mac === undefined ? '' : `,mac=${qemuValue(nic.mac)}`;
  return { netdev: `user,id=net${index}`, options: `netdev=net${index}${mac}` };
}

interface Connections {
  /** Port of 127.0.0.1 that leads to the guest's port 22. */
  readonly port: number | undefined;
  /** What the first card's boot ROM is offered; cards have no ROM when absent. */
  readonly pxe: PxeServer | undefined;
}

export function networkArgs(
  nics: readonly NicConfig[],
  { nic: model, roms }: Hardware,
  { port, pxe }: Connections,
): readonly string[] {
  const wanted = nics.length === 0 && (port !== undefined || pxe) ? [{}] : nics;
  if (wanted.length === 0) return ['-nic', 'none'];
  return wanted.flatMap((nic, index) => {
    const { netdev, options } = nicArgs(nic, index);
    const first = index === 0;
    const forward = first && port !== undefined ? `,hostfwd=tcp:127.0.0.1:${port}-:22` : '';
    const offer = first && pxe ? pxeOptions(pxe) : '';
    const rom = offer !== '' ? ',bootindex=0' : roms ? ',romfile=' : '';
    return ['-netdev', `${netdev}${forward}${offer}`, '-device', `${model}${rom},${options}`];
  });
}

const pxeOptions = ({ bootfile, tftp }: PxeServer): string =>
  `${tftp === undefined ? '' : `,tftp=${qemuValue(tftp)}`},bootfile=${qemuValue(bootfile)}`;
