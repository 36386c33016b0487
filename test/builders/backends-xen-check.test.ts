/** What Xen asks of an image, by what is known of its kernel and initrd. */
import { describe, expect, it } from 'vitest';
import type { GoldenImage } from '../../builders/backend.ts';
import { backendByName } from '../../builders/backends/index.ts';
import type { KernelFacts } from '../../builders/kernel/facts.ts';
import { IMAGE, subject, withMachine } from './support/image.ts';

const MIB = 2 ** 20;
const SOUND: KernelFacts = {
  compression: 'xz',
  xen: ['pv', 'pvh'],
  config: {
    CONFIG_XEN_PV: 'y',
    CONFIG_XEN_PVH: 'y',
    CONFIG_XEN_BLKDEV_FRONTEND: 'm',
    CONFIG_XEN_NETDEV_FRONTEND: 'm',
  },
  drivers: ['xen_blkfront', 'xen_netfront'],
};

const codes = (name: string, image: GoldenImage): string[] => {
  const backend = backendByName(name);
  return backend
    .check(subject(backend, image))
    .map(({ code, severity }) => (severity === 'error' ? code : `(${code})`));
};
const withFacts = (facts: Partial<KernelFacts>): GoldenImage => ({
  ...IMAGE,
  facts: { ...SOUND, ...facts },
});
const without = (option: string): GoldenImage => {
  const { [option]: _gone, ...config } = SOUND.config ?? {};
  return withFacts({ config });
};

describe.each(['xen-pv', 'xen-pvh', 'xen-hvm', 'xen-host'])('%s', (name) => {
  it('takes a kernel that has everything, and one of which nothing is known', () => {
    expect(codes(name, withFacts({}))).toEqual([]);
    expect(codes(name, { ...IMAGE, facts: { compression: 'xz' } })).toEqual([]);
  });
});

describe('a guest', () => {
  it.each<[string, string, GoldenImage, string[]]>([
    ['xen-pv', 'a name of digits', { ...IMAGE, name: '42' }, ['BUILD440']],
    ['xen-hvm', 'too many processors', withMachine({ vcpus: 129 }), ['BUILD441']],
    ['xen-pvh', 'as many processors', withMachine({ vcpus: 129 }), []],
    ['xen-pvh', 'little memory', withMachine({ memory: 384 * MIB }), ['(BUILD442)']],
    ['xen-hvm', 'as little memory', withMachine({ memory: 384 * MIB }), []],
    ['xen-pv', 'a strange compression', withFacts({ compression: 'lzrw' }), ['BUILD443']],
    ['xen-pv', 'no note for PV', withFacts({ xen: ['pvh'] }), ['BUILD444']],
    ['xen-pvh', 'no note for PV', withFacts({ xen: ['pvh'] }), []],
    ['xen-pvh', 'no note for PVH', withFacts({ xen: ['pv'] }), ['BUILD444']],
    ['xen-pv', 'no CONFIG_XEN_PV', without('CONFIG_XEN_PV'), ['BUILD444']],
    ['xen-pvh', 'no CONFIG_XEN_PVH', without('CONFIG_XEN_PVH'), ['BUILD444']],
    ['xen-hvm', 'no note at all', withFacts({ xen: [] }), []],
    ['xen-pv', 'no disk driver', withFacts({ drivers: ['xen_netfront'] }), ['BUILD445']],
    ['xen-hvm', 'no disk driver', withFacts({ drivers: ['xen_netfront'] }), ['BUILD445']],
    ['xen-pv', 'no network driver', withFacts({ drivers: ['xen_blkfront'] }), ['(BUILD445)']],
    [
      'xen-pv',
      'drivers in the kernel',
      withFacts({
        drivers: [],
        config: {
          CONFIG_XEN_PV: 'y',
          CONFIG_XEN_BLKDEV_FRONTEND: 'y',
          CONFIG_XEN_NETDEV_FRONTEND: 'y',
        },
      }),
      [],
    ],
  ])('%s: %s', (name, _, image, expected) => {
    expect(codes(name, image)).toEqual(expected);
  });
});

describe('a host', () => {
  const host = (dom0Mem: string, memory = 1024): string[] => {
    const backend = backendByName('xen-host');
    const image = subject(backend, withMachine({ memory: memory * MIB }));
    const hypervisor = { ...image.hypervisor!, cmdline: ['console=com1', `dom0_mem=${dom0Mem}`] };
    return backend.check({ ...image, hypervisor }).map(({ code }) => code);
  };

  it('needs a hypervisor', () => {
    expect(
      backendByName('xen-host')
        .check(IMAGE)
        .map(({ code }) => code),
    ).toEqual(['BUILD446']);
  });

  it.each([
    ['512M,max:512M', []],
    ['1G', ['BUILD448']],
    ['min:256M,max:512M', []],
    // The first generation's 128 MiB, without a unit.
    ['131072', ['BUILD447', 'BUILD448']],
    ['128M', ['BUILD448']],
    ['50%', []],
  ])('with dom0_mem=%s', (value, expected) => {
    expect(host(value)).toEqual(expected);
  });
});
