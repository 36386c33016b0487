/** What stops the glue before it is written. */
import { describe, expect, it } from 'vitest';
import { backendByName, backends } from '../../builders/backends/index.ts';
import type { GoldenImage } from '../../builders/backend.ts';
import { VsecError } from '../../vse/diagnostic.ts';
import {
  canName,
  HOSTILE_NAMES,
  IMAGE,
  named,
  REFUSED_NAMES,
  subject,
  withMachine,
} from './support/image.ts';

const MIB = 2 ** 20;

describe.each(backends.map((backend) => [backend.name, backend] as const))('%s', (_, backend) => {
  const check = (image: GoldenImage) => backend.check(subject(backend, image));
  const codes = (image: GoldenImage): string[] => check(image).map((found) => found.code);

  it('has nothing to say about a sound image', () => {
    expect(check(IMAGE)).toEqual([]);
  });

  it.each<[string, GoldenImage, string[]]>([
    ['another architecture', { ...IMAGE, architecture: 'arm64' }, ['BUILD410']],
    ['no disk that it can take', { ...IMAGE, disks: { vhd: 'cfd.vhd' } }, ['BUILD411']],
    ['too little memory', withMachine({ memory: 64 * MIB }), ['BUILD412']],
    ['no memory', withMachine({ memory: 0 }), ['BUILD412']],
    ['memory that is no number', withMachine({ memory: Number.NaN }), ['BUILD412']],
    ['no processor', withMachine({ vcpus: 0 }), ['BUILD413']],
    ['half a processor', withMachine({ vcpus: 1.5 }), ['BUILD413']],
    ['more processors than fit', withMachine({ vcpus: 256 }), ['BUILD413']],
    ['a disk smaller than the image', withMachine({ disk: 1024 * MIB }), ['BUILD414']],
    ['no MAC address', withMachine({ nics: [{ mac: '52:54:00:00:00' }] }), ['BUILD415']],
    [
      'a MAC address with options',
      withMachine({ nics: [{ mac: '52:54:00:00:00:01,x=y' }] }),
      ['BUILD415'],
    ],
    ['a group address', withMachine({ nics: [{ mac: '01:00:5e:00:00:01' }] }), ['BUILD416']],
    ['the broadcast address', withMachine({ nics: [{ mac: 'ff:ff:ff:ff:ff:ff' }] }), ['BUILD416']],
    ['the zero address', withMachine({ nics: [{ mac: '00:00:00:00:00:00' }] }), ['BUILD416']],
    ['a bridge with a space', withMachine({ nics: [{ bridge: 'br 0' }] }), ['BUILD417']],
    [
      'a bridge with a long name',
      withMachine({ nics: [{ bridge: 'a'.repeat(16) }] }),
      ['BUILD417'],
    ],
    [
      'one address twice',
      withMachine({ nics: [{ mac: '52:54:00:00:00:aa' }, { mac: '52:54:00:00:00:AA' }] }),
      ['BUILD418'],
    ],
    ['a quote in an argument', { ...IMAGE, cmdline: ['a="b" c="d'] }, ['BUILD401']],
    ['a line break in an argument', { ...IMAGE, cmdline: ['a=b\nc'] }, ['BUILD401']],
    [
      'several things at once',
      withMachine({ memory: 1, vcpus: 0, nics: [{ mac: 'x' }] }),
      ['BUILD412', 'BUILD413', 'BUILD415'],
    ],
  ])('finds %s', (_case, image, found) => {
    // Nodes that come by the network take none of the disks.
    const expected = backend.shim && found[0] === 'BUILD411' ? [] : found;
    expect(codes(image)).toEqual(expected);
    expect(check(image).every((found) => found.severity === 'error')).toBe(true);
  });

  it.each(REFUSED_NAMES.map((name) => [JSON.stringify(name), name]))(
    'refuses the name %s',
    (_n, name) => {
      expect(codes(named(name)).every((code) => code === 'BUILD401' || code === 'BUILD402')).toBe(
        true,
      );
      expect(codes(named(name))).not.toEqual([]);
    },
  );

  it.each(HOSTILE_NAMES.map((name) => [JSON.stringify(name), name]))(
    'takes the name %s, or says that its formats cannot',
    (_n, name) => {
      expect(codes(named(name))).toEqual(canName(backend, name) ? [] : ['BUILD401']);
    },
  );

  it('refuses to write what it cannot express, also when nobody asked before', () => {
    expect(() => backend.emit(subject(backend, named('two\nlines')))).toThrow(
      /BUILD401.*cannot be written in a/,
    );
  });
});

describe('the registry', () => {
  it('finds a backend by its name', () => {
    expect(backendByName('kvm').name).toBe('kvm');
  });

  it.each([
    ['qmeu', 'did you mean qemu?'],
    ['kmv', 'did you mean kvm?'],
    ['hyperdrive', undefined],
  ])('knows no %s', (name, hint) => {
    let thrown: unknown;
    try {
      backendByName(name);
    } catch (problem) {
      thrown = problem;
    }
    expect(thrown).toBeInstanceOf(VsecError);
    const { diagnostics, exitCode } = thrown as VsecError;
    expect([diagnostics[0]?.code, diagnostics[0]?.hint, exitCode]).toEqual(['BUILD400', hint, 2]);
  });
});
