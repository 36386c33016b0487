/** The verbs where an option is more than a value: packages, sets, files, entries. */
import { describe, expect, it } from 'vitest';
import { load, merged, top } from './support.ts';

const request = async (body: string): Promise<readonly string[]> => {
  const { packages } = await merged({ 'top.yaml': top(body) });
  return packages.flatMap((p) =>
    p.relations.length > 0
      ? p.relations.map((r) => `${p.name} (${r.operator} ${r.version})`)
      : [p.name + (p.architecture === undefined ? '' : `:${p.architecture}`)],
  );
};

describe('packages', () => {
  it('are sorted, with relations of all layers', async () => {
    expect(await request('add: {packages: [zip, gcc (<< 14), "libc6:i386"]}\n')).toEqual([
      'gcc (>= 12)',
      'gcc (<< 14)',
      'libc6:i386',
      'nano',
      'zip',
    ]);
  });

  it('keep one relation when two layers ask for the same', async () => {
    expect(await request('add: {packages: [gcc (>= 12), gcc]}\n')).toEqual(['gcc (>= 12)', 'nano']);
  });

  it('lose all lower relations to an override, and none of its own', async () => {
    const body = 'override: {packages: [gcc (>= 13), gcc (<< 14)]}\n';
    expect(await request(body)).toEqual(['gcc (>= 13)', 'gcc (<< 14)', 'nano']);
    expect(await request('override: {packages: [gcc]}\n')).toEqual(['gcc', 'nano']);
  });

  it('may be removed and added anew in one layer', async () => {
    const body = 'add: {packages: [gcc (= 9)]}\nremove: {packages: [gcc]}\n';
    expect(await request(body)).toEqual(['gcc (= 9)', 'nano']);
  });

  it('remember who asked and who took back', async () => {
    const vse = await merged({ 'top.yaml': top('remove: {packages: [nano]}\n') });
    expect(vse.removed).toMatchObject([
      {
        name: 'nano',
        requested: [{ layer: 'vendor', verb: 'add', span: { line: 8 } }],
        origins: [{ layer: 'top', verb: 'remove', span: { line: 4, column: 21 } }],
      },
    ]);
    expect(vse.origins.has('packages.nano')).toBe(false);
    expect(vse.taken.get('packages.nano')).toHaveLength(2);
  });

  it('asked for again after a removal are not removed', async () => {
    const vse = await merged({
      'mid.yaml': 'vse: 1\nname: mid\nextends: ./vendor.yaml\nremove: {packages: [nano]}\n',
      'top.yaml': top('add: {packages: [nano]}\n', './mid.yaml'),
    });
    expect(vse.removed).toEqual([]);
    expect(vse.packages.find((p) => p.name === 'nano')).toMatchObject({ layer: 2 });
  });

  it('name the lowest layer that asks', async () => {
    const { packages } = await merged({ 'top.yaml': top('add: {packages: [gcc, zip]}\n') });
    expect(packages.map((p) => [p.name, p.layer])).toEqual([
      ['gcc', 0],
      ['nano', 0],
      ['zip', 1],
    ]);
  });

  it('of the kernel and the hypervisor are requests', async () => {
    const body = 'add: {kernel: {package: linux-x}, hypervisor: {package: xen-x}}\n';
    expect(await request(body)).toEqual(['gcc (>= 12)', 'linux-x', 'nano', 'xen-x']);
    const { codes } = await load({
      'top.yaml': top('add: {kernel: {package: linux-x}}\nexclude: {packages: [linux-x]}\n'),
    });
    expect(codes).toEqual(['VSE055']);
  });

  it('of the native architecture are the same with its name and without', async () => {
    expect(await request('remove: {packages: [nano:amd64]}\n')).toEqual(['gcc (>= 12)']);
    expect(await request('add: {packages: ["gcc:amd64 (<< 14)"]}\n')).toEqual([
      'gcc (>= 12)',
      'gcc (<< 14)',
      'nano',
    ]);
  });

  it('that a lower layer excludes are refused where they are asked for', async () => {
    const { diagnostics } = await load({
      'site.yaml':
        'vse: 1\nname: site\nextends: ./vendor.yaml\nexclude: {packages: [exim4-base]}\n',
      'top.yaml': top('add: {packages: [exim4-base]}\n', './site.yaml'),
    });
    expect(diagnostics).toMatchObject([
      {
        code: 'VSE055',
        span: { file: 'top.yaml', line: 4 },
        notes: [{ span: { file: 'site.yaml' } }],
      },
    ]);
  });

  it('clash only when the result does', async () => {
    const vse = await merged({
      'mid.yaml': 'vse: 1\nname: mid\nextends: ./vendor.yaml\nadd: {packages: [gcc (<< 12)]}\n',
      'top.yaml': top('override: {packages: [gcc]}\n', './mid.yaml'),
    });
    expect(vse.packages.find((p) => p.name === 'gcc')?.relations).toEqual([]);
  });
});

describe('sets', () => {
  it('grow by add, shrink by remove, and are replaced whole by override', async () => {
    const backends = async (body: string): Promise<readonly string[]> =>
      (await merged({ 'top.yaml': top(body) })).config.backends;
    expect(await backends('add: {backends: [xen, qemu]}\n')).toEqual(['kvm', 'qemu', 'xen']);
    expect(await backends('remove: {backends: [kvm]}\n')).toEqual(['qemu']);
    expect(await backends('override: {backends: [xen]}\n')).toEqual(['xen']);
    expect(await backends('remove: [backends]\nadd: {backends: [xen]}\n')).toEqual(['xen']);
  });

  it('tell what an override replaced', async () => {
    const { origins } = await merged({ 'top.yaml': top('override: {backends: [xen]}\n') });
    expect(origins.get('backends.xen')).toMatchObject([
      { verb: 'override', replaced: '[qemu, kvm]', span: { line: 4, column: 23 } },
    ]);
  });
});

describe('files', () => {
  it('change their kind by override', async () => {
    const body = 'override: {files: {/etc/motd: {link: issue}}}\n';
    const { config, origins } = await merged({ 'top.yaml': top(body) });
    expect(config.files).toEqual({ '/etc/motd': { link: 'issue' } });
    expect(origins.get('files./etc/motd.link')?.map((o) => o.replaced)).toEqual([
      undefined,
      'vendor',
    ]);
    expect(origins.has('files./etc/motd.content')).toBe(false);
  });

  it('keep what an override does not name', async () => {
    const body =
      'add: {files: {/etc/motd: {mode: 600}}}\noverride: {files: {/etc/motd: {content: x}}}\n';
    const { config } = await merged({ 'top.yaml': top(body) });
    expect(config.files).toEqual({ '/etc/motd': { content: 'x', mode: '0600' } });
  });

  it('are replaced whole by remove and add', async () => {
    const body = 'remove: {files: [/etc/motd]}\nadd: {files: {/etc/motd: {directory: true}}}\n';
    const { config } = await merged({ 'top.yaml': top(body) });
    expect(config.files).toEqual({ '/etc/motd': { directory: true } });
  });

  it('of the host are hashed, and count by content in the digest', async () => {
    const body = 'add: {files: {/a: {source: ./run.sh}}}\n';
    const one = await merged({ 'top.yaml': top(body), 'run.sh': 'one\n' });
    const elsewhere = await merged({ 'top.yaml': top(body), 'run.sh': 'one\n' });
    const other = await merged({ 'top.yaml': top(body), 'run.sh': 'two\n' });
    expect(one.config.files['/a']?.source).toMatchObject({
      sha256: '2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806',
      size: 4,
    });
    expect(elsewhere.config.files['/a']?.source?.path).not.toBe(
      one.config.files['/a']?.source?.path,
    );
    expect(elsewhere.digest).toBe(one.digest);
    expect(other.digest).not.toBe(one.digest);
    expect(other.treeDigest).not.toBe(one.treeDigest);
  });
});

describe('digests', () => {
  const digests = async (body: string): Promise<readonly [string, string]> => {
    const vse = await merged({ 'top.yaml': top(body) });
    return [vse.digest, vse.treeDigest];
  };

  it('do not depend on the order in which things are said', async () => {
    expect(await digests('add: {packages: [aa, bb], backends: [xen]}\n')).toEqual(
      await digests('add: {backends: [xen], packages: [bb, aa]}\n'),
    );
  });

  it('of the tree ignore what cannot change the tree', async () => {
    const [plain, plainTree] = await digests('');
    for (const body of [
      'add: {backends: [xen]}\n',
      'add: {machine: {vcpus: 4}}\n',
      'override: {image: {size: 5GiB}}\n',
      'add: {image: {formats: [qcow2]}}\n',
    ]) {
      const [whole, tree] = await digests(body);
      expect([whole === plain, tree === plainTree]).toEqual([false, true]);
    }
    for (const body of [
      'add: {packages: [zip]}\n',
      'add: {hostname: x}\n',
      'exclude: {packages: [zip]}\n',
    ])
      expect((await digests(body))[1]).not.toBe(plainTree);
  });
});

describe('protect', () => {
  const guarded = (path: string): string =>
    `vse: 1\nname: site\nextends: ./vendor.yaml\nprotect: [${path}]\n`;

  it.each([
    ['packages.gcc', 'add: {packages: [gcc (<< 14)]}'],
    ['packages.gcc', 'override: {packages: [gcc]}'],
    ['packages.gcc', 'remove: {packages: [gcc]}'],
    ['packages.nano', 'exclude: {packages: [nano]}\nremove: [recommends]'],
    ['packages.gcc', 'remove: [packages]'],
    ['packages', 'add: {packages: [zip]}'],
    ['files./etc/motd', 'add: {files: {/etc/motd: {mode: 644}}}'],
    ['files./etc/motd', 'override: {files: {/etc/motd: {content: x}}}'],
    ['files./etc/motd.content', 'override: {files: {/etc/motd: {link: x}}}'],
    ['files./etc/motd', 'remove: {files: [/etc/motd]}'],
    ['files./etc/motd.content', 'remove: [files]'],
    ['backends.qemu', 'override: {backends: [xen]}'],
    ['hostname', 'add: {hostname: x}'],
    ['users.root', 'add: {users: {root: {}}}'],
  ])('of %s refuses %s', async (path, body) => {
    const { diagnostics, vse } = await load({
      'site.yaml': guarded(path),
      'top.yaml': top(`${body}\n`, './site.yaml'),
    });
    expect(vse).toBeUndefined();
    const found = diagnostics.find((d) => d.code === 'VSE053');
    expect(found?.span?.file).toBe('top.yaml');
    expect(found?.notes[0]).toMatchObject({ span: { file: 'site.yaml', line: 4 } });
  });

  it.each([
    ['packages.gcc', 'add: {packages: [gcc (>= 12)]}'],
    ['files./etc/motd', 'add: {files: {/etc/motd: {content: vendor}}}'],
    ['files./etc/motd.content', 'add: {files: {/etc/motd: {mode: 644}}}'],
    ['kernel.cmdline.quiet', 'remove: [kernel.cmdline.loglevel]'],
  ])('of %s lets %s pass', async (path, body) => {
    const { codes } = await load({
      'site.yaml': guarded(path),
      'top.yaml': top(`${body}\n`, './site.yaml'),
    });
    expect(codes).toEqual([]);
  });

  it('does not bind the layer that says it, nor lower ones', async () => {
    const site = `${guarded('timezone')}override: {timezone: Europe/Rome}\n`;
    expect((await load({ 'top.yaml': site })).codes).toEqual([]);
  });
});

describe('values', () => {
  it('are equal when they mean the same', async () => {
    expect((await load({ 'top.yaml': top('add: {image: {size: 4096MiB}}\n') })).codes).toEqual([]);
  });

  it('stay as they were written where YAML would read a number', async () => {
    const body =
      'version: 2.10\nadd: {kernel: {cmdline: {a: 010, b: off, c: 1e3}}, files: {/a: {content: x, mode: 0755}}}\n';
    const vse = await merged({ 'top.yaml': top(body) });
    expect(vse.version).toBe('2.10');
    expect(vse.config.kernel.cmdline).toMatchObject({ a: '010', b: 'off', c: '1e3' });
    expect(vse.config.files['/a']).toMatchObject({ mode: '0755' });
  });

  it('may be shared by a few aliases', async () => {
    const body = 'add: {users: {ann: &u {shell: /bin/sh}, bob: *u}}\n';
    const { config } = await merged({ 'top.yaml': top(body) });
    expect(config.users['bob']).toEqual({ groups: [], shell: '/bin/sh', sshKeys: [] });
  });

  it('come through a byte order mark and Windows line ends', async () => {
    const body = `\ufeff${top('add: {hostname: x}\n')}`.replaceAll('\n', '\r\n');
    const { origins } = await merged({ 'top.yaml': body });
    expect(origins.get('hostname')?.[0]?.span).toMatchObject({
      line: 4,
      column: 17,
      text: 'add: {hostname: x}',
    });
  });
});

describe('finding bases', () => {
  const BASE = 'vse: 1\nname: other\nextends: debian-12\nadd: {hostname: found}\n';

  it('looks beside the file, then in $VSEC_PATH, then at what is shipped', async () => {
    const found = { 'top.yaml': top('', 'other'), 'd/other.yaml': BASE };
    expect((await load(found)).codes).toEqual(['VSE040']);
    const { vse } = await load(found, 'top.yaml', { env: { VSEC_PATH: 'nowhere:d' } });
    expect(vse?.layers.map((l) => l.file)).toEqual([
      'base:debian-12-repositories',
      'base:debian-12',
      'd/other.yaml',
      'top.yaml',
    ]);
  });

  it('lets a file stand on the base whose name it has', async () => {
    const own = 'vse: 1\nname: mine\nextends: debian-12\n';
    const { vse } = await load({ 'debian-12.yaml': own }, 'debian-12.yaml');
    expect(vse?.layers.map((l) => l.file).slice(1)).toEqual(['base:debian-12', 'debian-12.yaml']);
  });

  it('takes a base as the target', async () => {
    expect((await load({}, 'debian-13')).vse?.config.distribution.release).toBe('trixie');
  });

  it('fetches by address only what has the digest', async () => {
    const sha256 = '4e1d5d1bc6e2ef0e5c9cfeb9a0c4e6a8a46bd1e5b7e6bdc1c2f8e2b0a7a4f7b1';
    const { codes } = await load(
      { 'top.yaml': top('', `https://mirror.example/b.yaml#sha256=${sha256}`) },
      'top.yaml',
      { readUrl: () => Promise.resolve(Buffer.from(BASE)) },
    );
    expect(codes).toEqual(['VSE043']);
  });
});
