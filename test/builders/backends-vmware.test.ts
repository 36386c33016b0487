/** What VMware asks of an image, beyond what every hypervisor does. */
import { expect, it } from 'vitest';
import type { GoldenImage } from '../../builders/backend.ts';
import { vmware } from '../../builders/backends/vmware.ts';
import { IMAGE, withMachine } from './support/image.ts';

const codes = (image: GoldenImage): string[] => vmware.check(image).map(({ code }) => code);
const cards = (...macs: string[]): GoldenImage =>
  withMachine({ nics: macs.map((mac) => ({ mac })) });

it.each<[string, GoldenImage, string[]]>([
  ['a usual image', IMAGE, []],
  ['as many processors as there can be', withMachine({ vcpus: 128 }), []],
  ['one more', withMachine({ vcpus: 129 }), ['BUILD430']],
  ['ten network cards', withMachine({ nics: Array.from({ length: 10 }, () => ({})) }), []],
  ['one more', withMachine({ nics: Array.from({ length: 11 }, () => ({})) }), ['BUILD431']],
  ['the last address that people may choose', cards('00:50:56:3f:ff:ff'), []],
  ['one that VMware gives itself', cards('00:50:56:40:00:00'), ['BUILD432']],
  ["QEMU's, twice", cards('52:54:00:00:00:01', '52:54:00:00:00:02'), ['BUILD432', 'BUILD432']],
])('%s', (_, image, expected) => {
  expect(codes(image)).toEqual(expected);
});
