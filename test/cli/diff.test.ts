/** Comparisons of environments, locks and bundles: the value, and what is printed of it. */
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../builders/manifest.ts';
import { compareSides } from '../../cli/diff/compare.ts';
import { comparisonMarkdown } from '../../cli/diff/markdown.ts';
import type { Side } from '../../cli/diff/sides.ts';
import { comparisonText } from '../../cli/diff/text.ts';
import { colors } from '../../cli/terminal.ts';
import { serialiseLock } from '../../repos/lock-file.ts';
import type { Lock, LockedPackage } from '../../repos/lock.ts';
import { lockedOptions } from '../../repos/locked-options.ts';
import { merged, top } from '../vse/support.ts';

const hex = (digit: string): string => digit.repeat(64);
const MB = 1_000_000;

const locked = (name: string, version: string, changes: Partial<LockedPackage> = {}) => ({
  ...{ name, version, architecture: 'amd64', sha256: hex('a'), size: MB, repository: 'debian' },
  ...{ stage: 0, reason: 'requested by cfd', filename: `pool/${name}.deb`, installedSize: 4 * MB },
  ...changes,
});

const lock = (packages: readonly LockedPackage[], changes: Partial<Lock> = {}): Side => ({
  kind: 'lock',
  lock: {
    vsecLock: 1,
    vse: { name: 'cfd', version: '2.1.0', digest: `sha256:${hex('1')}` },
    distribution: { id: 'debian', release: 'bookworm', architecture: 'amd64' },
    stages: [{ layers: ['cfd'] }],
    repositories: [{ name: 'debian', type: 'deb', mirror: 'debian' }],
    ...{ indexes: [], epoch: 1, packages },
    toolbox: { digest: `sha256:${hex('2')}`, repositories: [], packages: [] },
    ...changes,
  },
});

const plain = colors(false);

describe('locks', () => {
  const before = lock([
    locked('bash', '5.2'),
    locked('gone', '1'),
    locked('libc6', '2.36-9'),
    locked('linux-image-6.1.0-1-amd64', '6.1.1'),
    locked('same', '1'),
    locked('some-doc', '1', { architecture: 'all' }),
  ]);
  const after = lock([
    locked('bash', '5.1', { sha256: hex('b') }),
    locked('came', '1', { installedSize: 10 * MB }),
    locked('libc6', '2.36-10', { sha256: hex('b'), installedSize: 5 * MB }),
    locked('linux-image-6.1.0-2-amd64', '6.1.2'),
    locked('same', '1', { sha256: hex('c') }),
    locked('some-doc', '2', { sha256: hex('d') }),
  ]);

  it('say what came, went, and moved which way', () => {
    const { packages, sizes, kernel, differs } = compareSides(before, after);
    expect(packages.map(({ name, change }) => `${name} ${change}`)).toEqual([
      'bash downgraded',
      'came added',
      'gone removed',
      'libc6 upgraded',
      'linux-image-6.1.0-1-amd64 removed',
      'linux-image-6.1.0-2-amd64 added',
      'same rebuilt',
      'some-doc upgraded',
    ]);
    expect(sizes!.installed).toEqual({ from: 24 * MB, to: 31 * MB });
    expect(kernel).toEqual({ from: '6.1.0-1-amd64 (6.1.1)', to: '6.1.0-2-amd64 (6.1.2)' });
    expect(differs).toBe(true);
  });

  it('read well as text', () => {
    const text = comparisonText(compareSides(before, after), plain);
    expect(text).toContain(
      '  ~ bash 5.2 → 5.1  downgraded\n  + came 1  +10.0 MB\n  - gone 1  -4.00 MB',
    );
    expect(text).toMatch(
      /sizes\n {2}to fetch 6\.00 MB\n {2}installed 24\.0 MB → 31\.0 MB \(\+7\.00 MB\)$/,
    );
  });

  it('are the same when only the order of what they were read from is another', () => {
    const { repositories, ...rest } = before.lock!;
    const other = { kind: 'lock', lock: { repositories, ...rest } } as const;
    expect(compareSides(before, other).differs).toBe(false);
    expect(comparisonMarkdown(compareSides(before, other))).toBe(
      '### cfd 2.1.0\n\nNo differences.',
    );
  });

  it('tell whose options have changed by their digests', () => {
    const [a, b] = ['1', '2'].map((digit) => [
      { path: 'image.size', digest: digit.repeat(16) },
      { path: digit === '1' ? 'hostname' : 'locale', digest: '0'.repeat(16) },
    ]);
    const found = compareSides(lock([], { options: a! }), lock([], { options: b! }));
    expect(found.options).toEqual([
      { path: 'hostname', change: 'removed' },
      { path: 'image.size', change: 'changed' },
      { path: 'locale', change: 'added' },
    ]);
    expect(comparisonText(found, plain)).toContain(
      '  - hostname removed\n  ~ image.size changed\n  + locale added',
    );
  });

  it('tell their values, and whose line gave them, where locks keep that', async () => {
    const layer = (size: string, hash: string, rest = ''): string =>
      top(
        `override: {image: {size: ${size}}}\nadd: {users: {ann: {password-hash: ${hash}}}, files: {/etc/secret: {content: ${hash}}}}\n${rest}`,
      );
    const states = await Promise.all([
      merged({ 'top.yaml': layer('6GiB', '$6$a$b') }),
      merged({ 'top.yaml': layer('8GiB', '$6$a$c', 'remove: {packages: [nano]}\n') }),
    ]);
    const [a, b] = states.map((vse) => lock([], { options: lockedOptions(vse) }));
    const found = compareSides(a!, b!);
    const by = (line: number) => ({ file: 'top.yaml', line, layer: 'top' });
    expect(found.options).toEqual([
      { path: 'files./etc/secret.content', change: 'changed', origin: { ...by(5), verb: 'add' } },
      {
        ...{ path: 'image.size', change: 'changed', from: '6GiB', to: '8GiB' },
        origin: { ...by(4), verb: 'override' },
      },
      {
        ...{ path: 'packages.nano', change: 'removed', from: 'any version' },
        origin: { layer: 'vendor', verb: 'add', file: 'vendor.yaml', line: 8 },
      },
      { path: 'users.ann.password-hash', change: 'changed', origin: { ...by(5), verb: 'add' } },
    ]);
    expect(comparisonText(found, plain)).toContain(
      '  ~ image.size = 6GiB → 8GiB  top.yaml:4 (top)\n  - packages.nano = any version',
    );
    expect(comparisonMarkdown(found)).toContain('| `image.size` | `6GiB` | `8GiB` |');
    expect(serialiseLock(b!.lock!)).not.toContain('$6$');
    // Beside an environment as well, and beside a lock of an earlier vsec.
    const mixed = compareSides(a!, { kind: 'environment', vse: states[1]! });
    expect(mixed.options).toEqual(found.options);
    const bare = a!.lock!.options!.map(({ path, digest }) => ({ path, digest }));
    const older = compareSides(lock([], { options: bare }), b!);
    expect(older.options[1]).toMatchObject({ change: 'changed', to: '8GiB' });
    expect(comparisonText(older, plain)).toContain('~ image.size = (unknown) → 8GiB');
  });
});

describe('environments', () => {
  it('say whose line it was', async () => {
    const a = await merged({ 'top.yaml': top('') });
    const b = await merged({
      'top.yaml': top(
        `add: {hostname: node, files: {/etc/x: {content: "a | b\\n\`c\`"}}}\noverride: {image: {size: 6GiB}}\nremove: {packages: [nano]}\n`,
      ),
    });
    const found = compareSides({ kind: 'environment', vse: a }, { kind: 'environment', vse: b });
    const by = (verb: string, line: number) => ({ file: 'top.yaml', line, layer: 'top', verb });
    expect(found.options).toMatchObject([
      { path: 'files./etc/x.content', change: 'added', origin: by('add', 4) },
      { path: 'hostname', change: 'added', to: 'node', origin: by('add', 4) },
      {
        path: 'image.size',
        change: 'changed',
        from: '4GiB',
        to: '6GiB',
        origin: by('override', 5),
      },
      { path: 'packages.nano', change: 'removed', origin: by('remove', 6) },
    ]);
    const markdown = comparisonMarkdown(found);
    expect(markdown).toContain('| `image.size` | `4GiB` | `6GiB` | `top.yaml:5` (top) |');
    expect(markdown).toContain('`` a \\| b⏎`c` ``');
    const cells = markdown.split('\n').filter((line) => line.startsWith('|'));
    for (const line of cells) expect(line.match(/(?<!\\)\|/g)).toHaveLength(5);
  });
});

describe('bundles', () => {
  const bundle = (version: string, digit: string, words: readonly string[]): Side => ({
    kind: 'bundle',
    manifest: {
      ...{ name: 'cfd', version, architecture: 'amd64' },
      rootfs: { digest: `sha256:${hex(digit)}` },
      boot: { kernelCmdline: words },
      artifacts: [
        { file: `cfd_${version}_amd64.qcow2`, sha256: hex(digit), size: MB, format: 'qcow2' },
        { file: 'boot/qemu/run.sh', sha256: hex('9'), size: 100, format: 'glue' },
        { file: `extra-${version}`, sha256: hex('8'), size: 1, format: 'other' },
      ],
    } as unknown as Manifest,
  });

  it('are compared file by file, whatever their version', () => {
    const found = compareSides(
      bundle('1', '1', ['ro', 'quiet']),
      bundle('2', '2', ['ro', 'debug']),
    );
    expect(found.files.map(({ file }) => file)).toEqual(['*.qcow2', 'extra-1', 'extra-2']);
    expect(found.files[0]).toMatchObject({ from: { sha256: hex('1') }, to: { sha256: hex('2') } });
    expect(found.cmdline).toEqual({ added: ['debug'], removed: ['quiet'] });
    expect(found.rootfs).toEqual({ from: `sha256:${hex('1')}`, to: `sha256:${hex('2')}` });
    const text = comparisonText(found, plain);
    expect(text).toContain('  ~ *.qcow2  111111111111 (1.00 MB) → 222222222222 (1.00 MB)');
    expect(comparisonMarkdown(found)).toContain('**Kernel command line:** `-quiet` `+debug`');
    expect(compareSides(bundle('1', '1', []), bundle('1', '1', [])).differs).toBe(false);
  });
});
