/**
 * Hostile values in every place that reaches boot glue, for every backend and format: refused with
 * a message that names them, or written so that a file says nothing else than with a harmless one.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, extname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend, GlueFile, GoldenImage } from '../../builders/backend.ts';
import { backends } from '../../builders/backends/index.ts';
import { vmware } from '../../builders/backends/vmware.ts';
import { writeBootConfiguration } from '../../builders/rootfs/bootable.ts';
import type { FinishRecipe } from '../../builders/rootfs/recipe.ts';
import { readXml } from '../../builders/xml.ts';
import type { XmlElement } from '../../builders/xml.ts';
import {
  HOSTILE_NAMES,
  IMAGE,
  named,
  REFUSED_NAMES,
  subject,
  withFiles,
  withHypervisorArgument,
  withMachine,
} from './support/image.ts';
import { installed } from './support/programs.ts';

const NAMES = [...HOSTILE_NAMES, ...REFUSED_NAMES];
const ARGUMENTS: readonly string[] = [
  ...['a=$(touch pwned)', 'a=`touch pwned`', "a='; touch pwned; '", 'a="; touch pwned; "', 'a;b'],
  ...[
    'a=${root}',
    'a=\\',
    'a=\\"',
    'a="b',
    'a=b"c',
    'a="b" c="d"',
    'a b',
    'a="b c"',
    'a=<b>',
    ']]>',
  ],
  ...[
    'a=&b;',
    '--> <evil/>',
    'a=b\nc',
    'a=b\r',
    'a=\0',
    'a=|0A',
    'a=#b',
    'a=Ü',
    'a={b}',
    '!a',
    'a,b',
  ],
  ...['} menuentry evil {', "a=b' } menuentry 'evil' {", 'a=\u2028b', 'a=\ud800'],
];
const MACS: readonly string[] = [
  ...['', 'x', '52:54:00:00:00', '52:54:00:00:00:01:02', '52-54-00-00-00-01', '525400000001'],
  ...['52:54:00:00:00:0g', '52:54:00:00:00:01,x=y', '52:54:00:00:00:01"', "52:54:00:00:00:01'"],
  ...['52:54:00:00:00:01\n', '52:54:00:00:00:01 ', '01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff'],
  ...[
    '00:00:00:00:00:00',
    '$(touch pwned)',
    '<mac/>',
    '52:54:00:00:00:01|22',
    '５２:54:00:00:00:01',
  ],
  ...['../../etc', '52:54:00:00:00:01]', '52:54:00:00:00:1'],
];
const BRIDGES: readonly string[] = [
  ...['', '.', '..', 'a b', 'a/b', '-x', 'a'.repeat(16), 'br0,x', 'br0"', "br0'", 'br0\n', '$(id)'],
  ...['`id`', 'br0;', '<br/>', 'br0]', 'br0#', 'br0|', 'Ü', 'br0&', '*'],
];

const IMAGES: readonly (readonly [where: string, value: string, image: GoldenImage])[] = [
  ...NAMES.map((name) => ['name', name, named(name)] as const),
  ...ARGUMENTS.map((arg) => ['argument', arg, { ...IMAGE, cmdline: ['ro', arg] }] as const),
  ...MACS.map((mac) => ['MAC', mac, withMachine({ nics: [{ mac }] })] as const),
  ...NAMES.map((name) => ['path', name, withFiles(name)] as const),
  ...ARGUMENTS.map((arg) => ['hypervisor argument', arg, withHypervisorArgument(arg)] as const),
  ...BRIDGES.map((bridge) => ['bridge', bridge, withMachine({ nics: [{ bridge }] })] as const),
];

/** The same as a hostile image, with a harmless value in the place of the hostile one. */
function harmless(where: string): GoldenImage {
  if (where === 'name') return named('harmless');
  if (where === 'path') return withFiles('harmless');
  if (where === 'hypervisor argument') return withHypervisorArgument('a=b');
  if (where === 'argument') return { ...IMAGE, cmdline: ['ro', 'a=b'] };
  return withMachine({
    nics: [where === 'MAC' ? { mac: '00:50:56:00:00:01' } : { bridge: 'br0' }],
  });
}

const PLACES = ['name', 'path', 'argument', 'hypervisor argument', 'MAC', 'bridge'];

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vsec-hostile-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const fromHex = (hex: string): string => String.fromCharCode(Number.parseInt(hex, 16));

const shape = ({ name, attributes, children }: XmlElement): unknown => [
  name,
  Object.keys(attributes),
  children.map(shape),
];
const keys = (text: string): readonly (string | undefined)[] =>
  text.split('\n').map((line) => /^[\w.:]+ = "/.exec(line)?.[0]);

/** What a file says, without the values: the same whatever these are. */
function skeleton({ path, content }: GlueFile): unknown {
  switch (extname(path)) {
    case '.xml':
      return shape(readXml(content, path));
    case '.vmx':
      return keys(content);
    default:
      return content.split('\n').map((line) => /^\s*\w*/.exec(line)?.[0]);
  }
}

const written = (backend: Backend, image: GoldenImage): readonly GlueFile[] =>
  backend.emit(subject(backend, image));

/** What becomes of each image: errors, or files. */
const OUTCOMES = backends.map((backend) => ({
  backend,
  cases: IMAGES.map(([where, value, image]) => {
    const found = backend.check(subject(backend, image));
    const errors = found.filter(({ severity }) => severity === 'error');
    return { where, value, errors, files: errors.length > 0 ? [] : written(backend, image) };
  }),
}));

describe.each(OUTCOMES.map((one) => [one.backend.name, one] as const))(
  '%s',
  (_, { backend, cases }) => {
    it.each(PLACES)('as %s', (place) => {
      expect(cases.filter(({ where }) => where === place).length).toBeGreaterThanOrEqual(20);
      const before = written(backend, harmless(place)).map(skeleton);
      for (const { where, value, errors, files } of cases) {
        if (where !== place) continue;
        for (const { code, message, hint, notes } of errors) {
          expect(code, value).toMatch(/^BUILD4/);
          expect(message, value).not.toMatch(/[\0-\x1f]/);
          expect(hint ?? notes[0]?.message, value).toBeTruthy();
        }
        if (errors.length === 0) expect(files.map(skeleton), value).toEqual(before);
      }
    });

    it('refuses some and takes some', () => {
      const refused = cases.filter(({ errors }) => errors.length > 0);
      expect(refused.length).toBeGreaterThan(20);
      expect(refused.length).toBeLessThan(cases.length);
    });
  },
);

const accepted = OUTCOMES.flatMap(({ backend, cases }) =>
  cases.flatMap(({ files }, index) =>
    files.map((file) => [`${backend.name}-${index}`, file] as const),
  ),
);

function writeAll(extension: string): string[] {
  return accepted
    .filter(([, { path }]) => extname(path) === extension)
    .map(([prefix, { content }], index) => {
      const path = join(folder, `${prefix}-${index}${extension}`);
      writeFileSync(path, content, { mode: 0o755 });
      return path;
    });
}

describe('judges', () => {
  it('bash reads every script, and what is hostile in it does not run', () => {
    const scripts = writeAll('.sh');
    expect(scripts.length).toBeGreaterThan(20);
    for (const script of scripts) {
      execFileSync('bash', ['-n', script]);
      execFileSync('sh', [script, '--help'], { cwd: folder, stdio: 'ignore' });
    }
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
  }, 120_000);

  it.skipIf(!installed('xmllint'))('xmllint reads every document', () => {
    const documents = writeAll('.xml');
    expect(documents.length).toBeGreaterThan(20);
    const { status, stderr } = spawnSync('xmllint', ['--noout', ...documents], {
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
  });

  it.skipIf(!installed('virsh'))(
    "libvirt's reader of .vmx gives the values back",
    () => {
      // It wants to see VMware before it reads its files.
      const bin = join(folder, 'bin');
      mkdirSync(bin);
      for (const program of ['vmrun', 'vmplayer']) {
        writeFileSync(join(bin, program), '#!/bin/sh\necho VMware Player 12.5.9 build-7535481\n');
        chmodSync(join(bin, program), 0o755);
      }
      const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
      for (const name of HOSTILE_NAMES) {
        const path = join(folder, 'judged.vmx');
        writeFileSync(path, vmware.emit(named(name))[0]?.content ?? '');
        const { status, stdout, stderr } = spawnSync(
          'virsh',
          ['-c', 'vmwareplayer:///session', 'domxml-from-native', 'vmware-vmx', path],
          { encoding: 'utf8', env },
        );
        if (/no connection driver|unsupported/.test(stderr)) return;
        expect(status, stderr).toBe(0);
        const domain = readXml(stdout, 'domain.xml');
        const find = (at: XmlElement, tag: string): readonly XmlElement[] => [
          ...(at.name === tag ? [at] : []),
          ...at.children.flatMap((child) => find(child, tag)),
        ];
        expect(domain.children.find((child) => child.name === 'name')?.text).toBe(name.trim());
        // This reader leaves the escapes in file names as they are.
        const file = find(domain, 'source')[0]?.attributes['file'];
        expect(file?.replace(/\|([0-9A-F]{2})/g, (_, hex: string) => fromHex(hex))).toBe(
          `${name}.vmdk`,
        );
        expect(find(domain, 'controller')[0]?.attributes['model']).toBe('vmpvscsi');
      }
    },
    60_000,
  );

  it.skipIf(!installed('grub-script-check'))('GRUB reads every boot menu', () => {
    const recipe = (value: string, args: Record<string, string | true>): FinishRecipe => ({
      ...{ name: value, version: value, rootLabel: value, filesystem: 'ext4', cmdline: args },
      ...{ kernelLabel: value, initrdModules: [], network: {}, users: {}, groups: {} },
      ...{ files: {}, services: {}, scripts: {} },
    });
    const kernel = { release: '1', image: 'boot/vmlinuz-1', initrd: 'boot/initrd.img-1' };
    const menu = (one: FinishRecipe): string => {
      writeBootConfiguration(folder, kernel, one);
      return join(folder, 'boot/grub/grub.cfg');
    };
    const entries = (path: string): number => readFileSync(path, 'utf8').split('\n').length;
    const lines = entries(menu(recipe('harmless', { a: 'b' })));
    let taken = 0;
    for (const value of [...NAMES, ...ARGUMENTS]) {
      const [key = '', ...rest] = value.split('=');
      let path: string;
      try {
        path = menu(recipe(value, { [key]: rest.length > 0 ? rest.join('=') : true }));
      } catch (problem) {
        expect(String(problem)).toContain('BUILD401');
        continue;
      }
      taken++;
      expect(entries(path)).toBe(lines);
      execFileSync('grub-script-check', [path]);
    }
    expect(taken).toBeGreaterThan(10);
  });
});
