/** Why packages are there, and why not. The universe is a toy, the layers are real. */
import { describe, expect, it } from 'vitest';
import { explainPackage, type PackageExplanation } from '../../repos/explain-package.ts';
import { resolve } from '../../repos/resolve.ts';
import { toyUniverse, type ToySource } from '../support/toy-universe.ts';
import { merged } from '../vse/support.ts';

const BASE = `vse: 1
name: base
add:
  distribution: {id: debian, release: bookworm, architecture: amd64}
  repositories:
    main: {mirror: debian, suites: [bookworm], components: [main], signed-by: [./key.asc]}
  packages: [linux, ssh, monitor]
`;
const PACKAGES = `
  libc
  shell; Essential: yes; Pre-Depends: libc
  linux; Depends: initramfs | dracut | booster
  initramfs; Depends: cpio
  cpio
  dracut
  booster; Conflicts: ssh
  ssh; Depends: libc, crypto
  crypto
  monitor; Depends: python
  python; Depends: deep
  deep; Depends: libpy
  libpy
  solver; Depends: libpy, transport
  transport; Provides: carrier
  telnet; Conflicts: ssh
  virtual-only; Provides: shell-of-the-month
  broken; Depends: nowhere`;

async function explain(
  body: string,
  name: string,
  ...more: (string | ToySource)[]
): Promise<PackageExplanation> {
  const universe = await toyUniverse(PACKAGES, ...more);
  const vse = await merged({
    'base.yaml': BASE,
    'top.yaml': `vse: 1\nname: user\nextends: ./base.yaml\n${body}`,
  });
  const { packages } = resolve(vse, universe, { essential: true });
  return explainPackage(name, vse, universe, { packages, pins: [] });
}

describe('a package that is there', () => {
  it('was asked for in a line', async () => {
    expect(await explain('add: {packages: [solver]}\n', 'solver')).toMatchObject({
      package: 'solver',
      installed: true,
      version: '1',
      requestedBy: [{ file: 'top.yaml', line: 4, layer: 'user', verb: 'add' }],
      path: ['solver'],
      excludedBy: null,
      layer: 'user',
      repository: 'toys',
      chosenFor: null,
    });
  });

  it('is shown by the shortest way, whichever layer it begins in', async () => {
    const long = await explain('', 'libpy');
    expect(long.path).toEqual(['monitor', 'python', 'deep', 'libpy']);
    const { path, pathFrom } = await explain('add: {packages: [solver]}\n', 'libpy');
    expect(path).toEqual(['solver', 'libpy']);
    expect(pathFrom).toMatchObject([{ file: 'top.yaml', line: 4, layer: 'user' }]);
    expect((await explain('', 'libc')).path).toEqual(['ssh', 'libc']);
    expect(await explain('', 'shell')).toMatchObject({ path: ['shell'], pathFrom: [] });
  });

  it('was chosen over others, each with its reason', async () => {
    expect((await explain('', 'initramfs')).chosenFor).toEqual({
      relation: 'linux depends on initramfs | dracut | booster',
      passedOver: [
        {
          name: 'dracut',
          why: 'would do, but initramfs comes first in the order of preference',
        },
        {
          name: 'booster',
          why: 'booster 1 (toys toy) conflicts with ssh: ssh 1 (toys toy) is installed',
        },
      ],
    });
    const { chosenFor } = await explain('exclude: {packages: [cpio]}\n', 'dracut');
    expect(chosenFor!.passedOver[0]).toEqual({
      name: 'initramfs',
      why: 'initramfs 1 (toys toy) depends on cpio; excluded by user',
    });
  });

  it('has a version, chosen among those that there are', async () => {
    const versions = [
      { suite: 'new', packages: 'python 3; Depends: deep (>= 9)\n crypto 4\n cpio 7' },
      { suite: 'backports', priority: 100, packages: 'python 2\n crypto 5' },
    ];
    const why = async (name: string, body = '') =>
      (await explain(body, name, ...versions)).candidates.map(
        ({ version, why: reason, chosen }) => `${chosen ? '*' : ''}${version} ${reason}`,
      );
    expect(await why('cpio')).toEqual(['*7 the newest', '1 older']);
    expect(await why('crypto')).toEqual([
      '*4 the best that everything else allows',
      '1 older',
      '5 its repository has a lower priority',
    ]);
    expect(await why('python')).toEqual([
      '3 python 3 (toys new) depends on deep (>= 9), which no repository has',
      '*1 the best that everything else allows',
      '2 its repository has a lower priority',
    ]);
    expect(await why('crypto', "add: {packages: ['crypto (<< 2)']}\n")).toEqual([
      '4 user asks for crypto (<< 2)',
      '*1 the best that everything else allows',
      '5 user asks for crypto (<< 2)',
    ]);
  });

  it('takes others with it', async () => {
    expect((await explain('', 'python')).leavesWith).toEqual({
      needing: ['monitor'],
      orphaned: ['deep', 'libpy'],
      installedSize: 4 * 10 * 1024,
    });
    const shared = await explain('add: {packages: [solver]}\n', 'python');
    expect(shared.leavesWith!.orphaned).toEqual(['deep']);
  });
});

describe('a package that is not there', () => {
  it('is excluded, or its request was taken back', async () => {
    const body = 'remove: {packages: [monitor]}\nexclude: {packages: [dracut]}\n';
    expect(await explain(body, 'dracut')).toMatchObject({
      installed: false,
      version: null,
      path: [],
      excludedBy: { file: 'top.yaml', line: 5, layer: 'user', verb: 'exclude' },
      ifRequested: null,
    });
    expect(await explain(body, 'monitor')).toMatchObject({
      installed: false,
      removedBy: { file: 'top.yaml', line: 4, verb: 'remove' },
    });
  });

  it('could come, and this is what it would bring', async () => {
    expect((await explain('', 'solver')).ifRequested).toEqual({
      ...{ possible: true, brings: ['solver', 'transport'], drops: [], conflict: null },
      installedSize: 2 * 10 * 1024,
    });
  });

  it('could not come: by whose line', async () => {
    const { ifRequested } = await explain('', 'telnet');
    expect(ifRequested).toMatchObject({ possible: false, brings: [] });
    expect(ifRequested!.conflict!.notes).toMatchObject([
      { message: 'base asks for ssh', span: { file: 'base.yaml', line: 7 } },
      { message: 'telnet 1 (toys toy) conflicts with ssh: ssh 1 (toys toy)' },
    ]);
    expect((await explain('', 'broken')).ifRequested!.conflict!.message).toContain('nowhere');
  });

  it('is there in all but name', async () => {
    const body = 'add: {packages: [virtual-only]}\n';
    expect(await explain(body, 'shell-of-the-month')).toMatchObject({
      installed: false,
      providedBy: ['virtual-only'],
    });
  });

  it('is not known: similar names', async () => {
    expect(await explain('', 'monitr')).toMatchObject({ installed: false, similar: ['monitor'] });
  });
});
