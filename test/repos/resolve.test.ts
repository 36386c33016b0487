/** From layers to packages: stages, reasons, warnings. The universe is a toy, the layers are real. */
import { describe, expect, it } from 'vitest';
import { resolve, type Resolution } from '../../repos/resolve.ts';
import type { Vse } from '../../vse/types.ts';
import { toyUniverse } from '../support/toy-universe.ts';
import { merged } from '../vse/support.ts';

const base = `vse: 1
name: base
version: 1.0
add:
  distribution: {id: debian, release: bookworm, architecture: amd64}
  repositories:
    main: {mirror: debian, suites: [bookworm], components: [main], signed-by: [./key.asc]}
  kernel: {package: linux}
  packages: [ssh]
`;
const site = `vse: 1
name: site
extends: ./base.yaml
add:
  packages: [monitor, editor]
`;

/** A stack of base, site and a user's layer with this body. */
const stack = (body: string): Promise<Vse> =>
  merged({
    'base.yaml': base,
    'site.yaml': site,
    'top.yaml': `vse: 1\nname: user\nextends: ./site.yaml\n${body}`,
  });

const PACKAGES = `
  libc
  shell; Essential: yes; Pre-Depends: libc
  linux; Depends: initramfs | dracut
  initramfs
  dracut
  ssh; Depends: libc, crypto
  crypto
  monitor; Depends: python
  python; Depends: libpy
  libpy
  editor; Depends: libedit | libpy
  libedit
  solver; Depends: mpi, libpy
  mpi; Depends: transport
  transport; Recommends: extra
  extra
  tcp; Provides: transport`;

const summary = ({ packages }: Resolution): Record<string, string[]> => {
  const stages: Record<string, string[]> = {};
  for (const { stage, name } of packages) (stages[stage] ??= []).push(name);
  return Object.fromEntries(Object.entries(stages).map(([stage, names]) => [stage, names.sort()]));
};

const byName = (resolution: Resolution, name: string) =>
  resolution.packages.find((found) => found.name === name)!;

describe('stages', () => {
  it('hold what the lowest layer that needs it needs', async () => {
    const vse = await stack('add: {packages: [solver]}\n');
    const resolution = resolve(vse, await toyUniverse(PACKAGES), { essential: true });
    expect(summary(resolution)).toEqual({
      0: ['crypto', 'initramfs', 'libc', 'linux', 'shell', 'ssh'],
      1: ['editor', 'libpy', 'monitor', 'python'],
      2: ['mpi', 'solver', 'transport'],
    });
  });

  it('of lower layers do not change with the user’s layer', async () => {
    const universe = await toyUniverse(PACKAGES);
    const [plain, more] = await Promise.all([stack(''), stack('add: {packages: [solver]}\n')]);
    const before = summary(resolve(plain, universe, { essential: true }));
    const after = summary(resolve(more, universe, { essential: true }));
    expect(after).toMatchObject(before);
  });

  it('below leave a package to the layer that asks for it, if they can do without', async () => {
    const vse = await stack('add: {packages: [libedit]}\n');
    const resolution = resolve(vse, await toyUniverse(PACKAGES), { essential: true });
    expect(summary(resolution)).toMatchObject({
      1: ['editor', 'libpy', 'monitor', 'python'],
      2: ['libedit'],
    });
  });

  it('below take it in when they cannot', async () => {
    const vse = await stack('add: {packages: [dracut]}\n');
    const resolution = resolve(vse, await toyUniverse(PACKAGES), { essential: true });
    expect(byName(resolution, 'dracut')).toMatchObject({ stage: 0, reason: 'requested by user' });
    expect(resolution.packages.map((found) => found.name)).not.toContain('initramfs');
  });

  it('move a package down to where it is needed for another’s sake', async () => {
    const vse = await stack('add: {packages: [crypto]}\n');
    const { packages } = resolve(vse, await toyUniverse(PACKAGES), { essential: true });
    const crypto = packages.find(({ name }) => name === 'crypto')!;
    expect(crypto).toMatchObject({ stage: 0, reason: 'requested by user' });
  });

  it('hold no essential package when none is wanted', async () => {
    const vse = await stack('');
    const { packages } = resolve(vse, await toyUniverse(PACKAGES), { essential: false });
    expect(packages.map(({ name }) => name)).not.toContain('shell');
  });
});

describe('reasons', () => {
  it('name the layer, the package that needs it, or that it is essential', async () => {
    const vse = await stack('add: {packages: [solver]}\n');
    const resolution = resolve(vse, await toyUniverse(PACKAGES), { essential: true });
    const reasons = ['shell', 'libc', 'linux', 'initramfs', 'solver', 'transport'].map(
      (name) => byName(resolution, name).reason,
    );
    expect(reasons).toEqual([
      'essential',
      'shell pre-depends on it',
      'requested by base',
      'linux depends on it',
      'requested by user',
      'mpi depends on it',
    ]);
  });

  it('are paths from a request to the package', async () => {
    const vse = await stack('add: {packages: [solver]}\n');
    const resolution = resolve(vse, await toyUniverse(PACKAGES), { essential: true });
    expect(byName(resolution, 'transport').path).toEqual(['solver', 'mpi', 'transport']);
    expect(byName(resolution, 'shell').path).toEqual(['shell']);
  });
});

describe('recommends', () => {
  it('come in only when a layer says so', async () => {
    const universe = await toyUniverse(PACKAGES);
    const names = async (body: string) =>
      resolve(await stack(body), universe, { essential: true }).packages.map(({ name }) => name);
    expect(await names('add: {packages: [solver]}\n')).not.toContain('extra');
    expect(await names('add: {packages: [solver], recommends: true}\n')).toContain('extra');
  });
});

describe('a removed package', () => {
  it('stays out when nobody needs it', async () => {
    const vse = await stack('remove: {packages: [monitor]}\n');
    const { packages, warnings } = resolve(vse, await toyUniverse(PACKAGES), { essential: true });
    expect(packages.map(({ name }) => name)).not.toContain('python');
    expect(warnings).toEqual([]);
  });

  it('is warned about when somebody brings it in all the same', async () => {
    const vse = await stack('remove: {packages: [editor]}\nadd: {packages: [desktop]}\n');
    const universe = await toyUniverse(
      `${PACKAGES}\n desktop; Depends: panel\n panel; Depends: editor`,
    );
    const { warnings } = resolve(vse, universe, { essential: true });
    expect(warnings).toMatchObject([
      {
        code: 'SOLV120',
        severity: 'warning',
        message: "'editor' was removed but is installed all the same: panel depends on it",
        span: { file: 'top.yaml', line: 4 },
        hint: 'to keep it out whoever needs it, put it under exclude: packages: [editor]',
      },
    ]);
    const notes = warnings[0]!.notes.map(({ message }) => message);
    expect(notes).toContain('brought in by desktop → panel → editor');
    expect(warnings[0]!.notes.at(-1)!.span).toMatchObject({ file: 'site.yaml' });
  });
});
