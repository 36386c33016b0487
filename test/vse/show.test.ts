/** The merged VSE as a layer, why things are so, and the layer to start from. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { VsecError } from '../../vse/diagnostic.ts';
import { explainOption, suggestOption } from '../../vse/explain.ts';
import { loadVse } from '../../vse/load.ts';
import { OPTIONS } from '../../vse/options.ts';
import type { Shape } from '../../vse/shape.ts';
import { showVse } from '../../vse/show.ts';
import { starterLayer } from '../../vse/starter.ts';
import { load, merged, top } from './support.ts';

const RICH = top(`version: 2.10
description: "all of it: quoted"
add:
  recommends: true
  packages: ["zip (>= 1)", "zip (<< 9)", "libc6:i386"]
  kernel: {package: linux-image-amd64, cmdline: {nosmt: true, a: "010"}}
  initrd: {modules: [nvme]}
  users:
    ann: {}
    bob: {uid: 7, ssh-keys: ["ssh-ed25519 AAAAC3Nza bob: #1"], groups: [video], password-hash: "!"}
  groups: {hpc: {gid: 5}}
  files:
    /a b.c: {content: "x: 1\\n# no comment\\n\\n", mode: 600}
    /d: {directory: true}
    "/e'\\"": {link: "../x"}
  services: {fstrim.timer: masked}
  scripts: {one: {run: "#!/bin/sh\\necho a\\n"}}
  hostname: h
  network: {en*: {addresses: [10.0.0.5/24], gateway: 10.0.0.1, dns: [10.0.0.1, 10.0.0.2]}}
  machine: {memory: 1536MiB, nics: [{mac: "52:54:00:00:00:01", bridge: br0}, {}]}
exclude: {packages: [exim4-base]}
protect: [files./a b.c, services.ssh, files./d.directory]
`);

describe('showVse', () => {
  it.each([
    ['a rich layer', RICH],
    ['the vendor alone', top('')],
    ['a removal', top('remove: {packages: [nano]}\n')],
    ['an override', top('override: {image: {size: auto}, files: {/etc/motd: {link: x}}}\n')],
  ])('of %s reads back to the same VSE', async (_what, text) => {
    const vse = await merged({ 'top.yaml': text });
    const shown = showVse(vse);
    const again = await merged({ 'top.yaml': shown });
    expect(again.digest).toBe(vse.digest);
    expect(again.config).toEqual(vse.config);
    expect(again.description).toBe(vse.description);
    expect(again.protections.map((p) => p.path)).toEqual(vse.protections.map((p) => p.path));
  });

  it('says where each value came from', async () => {
    const text = 'add: {hostname: h}\noverride: {image: {size: 5GiB}}\n';
    const lines = showVse(await merged({ 'top.yaml': top(text) })).split('\n');
    expect(lines).toContain('  hostname: h # top.yaml:4');
    expect(lines).toContain('    size: 5GiB # vendor.yaml:13, top.yaml:5 overrides 4GiB');
    expect(lines).toContain('    - gcc (>= 12) # vendor.yaml:8');
    expect(lines.slice(0, 3)).toEqual([
      '# top 0, merged from these layers, lowest first:',
      '#   vendor 1.0  vendor.yaml',
      '#   top  top.yaml',
    ]);
  });
});

/** Given by every environment, or unset by default. */
const WITHOUT_DEFAULT = new RegExp(
  [
    '^(distribution|kernel|hypervisor|users|groups|services|scripts|repositories)\\b',
    '^(hostname|timezone|locale|keymap|machine.disk|network\\..*\\.(gateway|dns))$',
    '^files\\..*\\.(content|source|link|directory|mode)$',
  ].join('|'),
);

describe('explainOption', () => {
  const files = {
    'site.yaml':
      'vse: 1\nname: site\nextends: ./vendor.yaml\nprotect: [files./etc/motd]\noverride: {timezone: Europe/Rome}\n',
    'top.yaml': top('remove: {kernel: {cmdline: [quiet]}}\n', './site.yaml'),
  };

  it('gives the chain of origins', async () => {
    expect(explainOption(await merged(files), 'timezone')).toMatchObject({
      path: 'timezone',
      given: [
        {
          value: 'Europe/Rome',
          origins: [
            { layer: 'vendor', verb: 'add' },
            { layer: 'site', verb: 'override', replaced: 'Etc/UTC' },
          ],
        },
      ],
    });
  });

  it('gives all below a path, and who protects it', async () => {
    const found = explainOption(await merged(files), 'files./etc/motd');
    expect(found?.given.map((g) => [g.path, g.value])).toEqual([
      ['files./etc/motd', undefined],
      ['files./etc/motd.content', 'vendor'],
    ]);
    expect(found?.protectedBy).toMatchObject([{ layer: 'site', verb: 'protect' }]);
  });

  it('gives what was taken away', async () => {
    const found = explainOption(await merged(files), 'kernel.cmdline.quiet');
    expect(found).toMatchObject({
      given: [],
      taken: [{ origins: [{ layer: 'vendor' }, { layer: 'top', verb: 'remove' }] }],
    });
  });

  it('writes values as a layer does', async () => {
    expect(explainOption(await merged(files), 'image.size')?.given[0]?.value).toBe('4GiB');
    expect(explainOption(await merged(files), 'packages.gcc')?.given[0]?.value).toBe('>= 12');
  });

  it('knows every option of the language, and what it is for', async () => {
    const vse = await merged({
      'top.yaml': top('add: {files: {/etc/x: {content: x}}, network: {ann: {}}}\n'),
    });
    const names = ['ann', '/etc/x', 'ssh.service', 'eth0', 'gcc'];
    const visit = (path: string, shape: Shape): void => {
      if (path !== '') {
        expect(explainOption(vse, path), path).toMatchObject({ path });
        expect(explainOption(vse, path)!.doc, path).not.toBe('');
        const { given, defaults } = explainOption(vse, path)!;
        const known = [...given, ...defaults].map((one) => one.path);
        // What every environment needs, layers give; of the rest the program knows what holds.
        if (shape.kind === 'leaf' && !WITHOUT_DEFAULT.test(path))
          expect(known, path).toEqual([path]);
      }
      const below = (key: string): string => (path === '' ? key : `${path}.${key}`);
      if (shape.kind === 'struct')
        for (const [key, inner] of Object.entries(shape.fields)) visit(below(key), inner);
      const known = names.find((name) => explainOption(vse, below(name)));
      if (shape.kind === 'record') expect(known, path).toBeDefined();
      if (shape.kind === 'record' && known) visit(explainOption(vse, below(known))!.path, shape.of);
    };
    visit('', OPTIONS);
  });

  it('knows what holds where no layer says anything', async () => {
    const vse = await merged({ 'top.yaml': top('override: { image: { size: 6GiB } }\n') });
    expect(explainOption(vse, 'image')).toMatchObject({
      given: [{ path: 'image.size', value: '6GiB' }],
      defaults: [
        { path: 'image.filesystem', value: 'ext4' },
        { path: 'image.formats', value: ['raw'] },
      ],
    });
    const { config } = vse;
    for (const [path, value, held] of [
      ['machine.memory', '1GiB', 2 ** 30 === config.machine.memory],
      ['machine.vcpus', 1, config.machine.vcpus === 1],
      ['recommends', false, !config.recommends],
      ['repositories.main.type', 'deb', config.repositories['main']!.type === 'deb'],
    ] as const) {
      const found = { given: [], defaults: [{ path, value }] };
      expect([explainOption(vse, path), held]).toMatchObject([found, true]);
    }
    expect(explainOption(vse, 'hostname')).toMatchObject({ given: [], defaults: [] });
  });

  it('knows what is no option', async () => {
    const vse = await merged(files);
    expect(explainOption(vse, 'image.szie')).toBeUndefined();
    expect(explainOption(vse, 'hostname')).toMatchObject({ given: [], doc: /Host name/ });
    expect(suggestOption(vse, 'image.szie')).toBe("Did you mean 'image.size'?");
    expect(suggestOption(vse, 'kernel.cmdlin.x')).toMatch(/'kernel.cmdline'/);
  });
});

describe('starterLayer', () => {
  it.each(['debian-12', 'debian-13', './vendor.yaml', 'debian-12-hpc', './a: b #.yaml'])(
    'on %s is valid',
    async (base) => {
      const files = {
        'top.yaml': starterLayer('mine', base),
        './a: b #.yaml': 'vse: 1\nname: odd\nextends: debian-12\n',
      };
      expect((await load(files)).codes).toEqual([]);
    },
  );

  it.each([
    ['../x', 'debian-12'],
    ['x"', 'debian-12'],
    ['x', 'a\nb'],
  ])('refuses %j on %j', (name, base) => {
    expect(() => starterLayer(name, base)).toThrow(VsecError);
  });
});

describe('what comes with vsec', () => {
  const cwd = fileURLToPath(new URL('../..', import.meta.url));

  it.each([
    'debian-12-repositories',
    'debian-13-repositories',
    'debian-12',
    'debian-13',
    'debian-12-hpc',
    'examples/cfd/site.yaml',
    'examples/cfd/cfd.yaml',
  ])('%s is valid', async (target) => {
    const { vse, diagnostics } = await loadVse(target, { cwd, env: {} });
    expect(diagnostics).toEqual([]);
    expect(vse?.config.distribution).toMatchObject({ id: 'debian', architecture: 'amd64' });
  });

  it('asks for no package in the repositories alone', async () => {
    const { vse } = await loadVse('debian-12-repositories', { cwd, env: {} });
    expect(vse?.packages).toEqual([]);
  });

  it('has an example that uses every verb and guard', async () => {
    const { vse } = await loadVse('examples/cfd/cfd.yaml', { cwd, env: {} });
    expect(vse?.layers.map((l) => l.name)).toEqual([
      'debian-12-repositories',
      'debian-12',
      'debian-12-hpc',
      'example-site',
      'cfd',
    ]);
    expect(vse?.removed.map((r) => r.name)).toEqual(['nfs-common']);
    expect(vse?.excluded.map((e) => e.name)).toEqual(['exim4-base']);
    expect(vse?.protections).toHaveLength(3);
    expect(vse?.config.image.size).toBe(4 * 2 ** 30);
  });
});
