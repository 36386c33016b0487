/**
 * Scripts for firmware that has a network, which start a node without a disk: iPXE's
 * (ipxe.org/scripting) and GRUB's (its manual, "Network"). One that a head node writes for a node
 * names that head node and its key; the one in the bundle can know neither.
 */
import type { GoldenImage } from '../backend.ts';
import { grub, ipxe } from '../backends/quote.ts';
import { render } from '../templates.ts';
import { partsOf } from './arguments.ts';
import { disklessWords } from './glue.ts';
import type { NetbootPlaces } from './glue.ts';

/** The serial console comes last: there the node's own messages are seen, too. */
const wordsFor = (image: GoldenImage, places: NetbootPlaces): readonly string[] => [
  'console=tty0',
  ...disklessWords(image, 'ttyS0,115200', places),
];

const files = (image: GoldenImage) => ({
  kernel: image.kernel as string,
  initrd: partsOf(image).initrd,
});

/** Without a server, kernel and initrd are looked for beside the script. */
export const ipxeScript = (image: GoldenImage, places: NetbootPlaces = {}): string =>
  render('netboot/boot.ipxe.hbs', ipxe, {
    ...files(image),
    images: places.server === undefined ? '' : `${places.server}/images/`,
    cmdline: wordsFor(image, places).join(' '),
  });

/** Without a server, it is the one that GRUB came from. */
export const grubScript = (image: GoldenImage, places: NetbootPlaces = {}): string =>
  render('netboot/grub.cfg.hbs', grub, {
    ...files(image),
    title: `${image.name} ${image.version}, disk-less`,
    server: places.server?.replace(/^http:\/\//, '') ?? null,
    arguments: wordsFor(image, places),
  });

/** What any machine is offered: its firmware adds the MAC address, and is told what to start. */
export const ENTRY_SCRIPTS: Readonly<Record<string, (server: string) => string>> = {
  'boot.ipxe': (server) => `#!ipxe\nchain ${server}/ipxe/\${mac:hexhyp}\n`,
  'grub.cfg': (server) =>
    `configfile (http,${server.replace(/^http:\/\//, '')})/grub/$net_default_mac\n`,
};
