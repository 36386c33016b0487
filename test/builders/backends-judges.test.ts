/** Judges from outside on the glue, with every name that is a trap for its format. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, GoldenImage } from '../../builders/backend.ts';
import { backends } from '../../builders/backends/index.ts';
import { canName, HOSTILE_NAMES, IMAGE, named, subject, withMachine } from './support/image.ts';
import { installed } from './support/programs.ts';

const { kernel: _kernel, initrd: _initrd, ...withoutKernel } = IMAGE;

const IMAGES: readonly (readonly [string, GoldenImage])[] = [
  ['the usual image', IMAGE],
  ['no interfaces', withMachine({ nics: [] })],
  ['no kernel', withoutKernel],
  ['no qcow2', { ...IMAGE, disks: { raw: 'cfd.raw', vmdk: 'cfd.vmdk' } }],
  ['hostile arguments', { ...IMAGE, cmdline: ['a=<&>', `b='$(id)'`, 'c="d e"', ']]>'] }],
  ...HOSTILE_NAMES.map((name) => [JSON.stringify(name), named(name)] as const),
];

/** Nothing is emitted of an image that the backend cannot start. */
const refused = (backend: Backend, image: GoldenImage): boolean =>
  backend.check(subject(backend, image)).some(({ severity }) => severity === 'error');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vsec-judges-'));
  backends.forEach((backend) =>
    IMAGES.forEach(
      ([, image], index) =>
        canName(backend, image.stem) &&
        !refused(backend, image) &&
        backend.emit(subject(backend, image)).forEach((file, at) => {
          const suffix = extname(file.path);
          writeFileSync(join(folder, `${backend.name}-${index}-${at}${suffix}`), file.content);
        }),
    ),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = (suffix: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(folder, name));

describe('scripts', () => {
  it('are read by sh', () => {
    for (const file of files('.sh')) execFileSync('sh', ['-n', file]);
  });

  it.skipIf(!installed('shellcheck'))('please shellcheck', () => {
    const { stdout } = spawnSync('shellcheck', ['--severity=style', ...files('.sh')], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
  });
});

const canValidate = installed('virt-xml-validate') && installed('xmllint');

const isDomain = (file: string): boolean => readFileSync(file, 'utf8').includes('<domain ');

describe('XML', () => {
  it.skipIf(!installed('xmllint'))('is well-formed', () => {
    const { stderr } = spawnSync('xmllint', ['--noout', ...files('.xml')], { encoding: 'utf8' });
    expect(stderr).toBe('');
  });
});

describe('domains', () => {
  it.skipIf(!canValidate)(
    'are valid for libvirt',
    () => {
      for (const file of files('.xml').filter(isDomain)) {
        const { status, stderr } = spawnSync('virt-xml-validate', [file, 'domain'], {
          encoding: 'utf8',
        });
        expect(status, stderr).toBe(0);
      }
    },
    60_000,
  );

  it.skipIf(!installed('xmllint'))('hold the name as it was given', () => {
    for (const name of HOSTILE_NAMES) {
      const domain = backends[0]?.emit(named(name)).find((file) => file.path.endsWith('.xml'));
      const read = (xpath: string): string =>
        execFileSync('xmllint', ['--xpath', `string(${xpath})`, '-'], {
          input: domain?.content ?? '',
          encoding: 'utf8',
        }).replace(/\n$/, '');
      expect(read('/domain/name')).toBe(name);
      expect(read('//disk/source/@file')).toBe(`/var/lib/libvirt/images/${name}.qcow2`);
    }
  });
});
