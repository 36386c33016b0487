/** The glue as files that a reviewer can read; `make golden` writes them anew. */
import { describe, expect, it } from 'vitest';
import { backendByName, backends } from '../../builders/backends/index.ts';
import { IMAGE, subject } from './support/image.ts';

describe.each(backends.map((backend) => [backend.name, backend] as const))(
  '%s',
  (name, backend) => {
    it.each(backend.emit(subject(backend)).map((file) => [file.path, file] as const))(
      '%s',
      async (path, file) => {
        await expect(file.content).toMatchFileSnapshot(`golden/${name}/${path}`);
      },
    );

    it('gives the same bytes twice', () => {
      const image = subject(backend);
      expect(backend.emit(image)).toEqual(backend.emit(structuredClone(image)));
    });
  },
);

describe('files', () => {
  const paths = (name: string, image = IMAGE) => {
    const backend = backendByName(name);
    return backend
      .emit(subject(backend, image))
      .map(({ path, mode }) => `${path} ${mode.toString(8)}`);
  };
  const { kernel: _kernel, initrd: _initrd, ...bare } = IMAGE;
  const stem = 'cfd_2.1.0_amd64';

  it.each([
    ['qemu', ['run.sh 755', `${stem}.xml 644`, `${stem}-uefi.xml 644`, `${stem}-kernel.xml 644`]],
    ['kvm', ['run.sh 755', `${stem}.xml 644`, `${stem}-uefi.xml 644`, `${stem}-kernel.xml 644`]],
    [
      'xen-pv',
      ['', '-pygrub', '-pvgrub'].flatMap((way) => [
        `${stem}${way}.cfg 644`,
        `${stem}${way}.xml 644`,
      ]),
    ],
    ['vmware', [`${stem}.vmx 644`]],
    ['palacios', [`${stem}.xml 644`, `${stem}-packed.xml 644`, 'v3.sh 755']],
    ['v3m', ['qemu', 'kvm', 'xen', 'xenhvm', 'vmware'].map((type) => `${stem}-${type}.xml 644`)],
    ['xen-host', ['menu.lst 644', 'xen.cfg 644']],
  ])('of %s are named after the bundle, and scripts are executable', (name, expected) => {
    expect(paths(name)).toEqual(expected);
  });

  it.each([
    ['qemu', `${stem}-kernel.xml 644`],
    ['kvm', `${stem}-kernel.xml 644`],
    ['xen-pv', `${stem}.cfg 644`],
    ['xen-pvh', `${stem}.cfg 644`],
  ])('of %s have no direct boot where the bundle has no kernel', (name, direct) => {
    expect(paths(name)).toContain(direct);
    expect(paths(name, bare)).not.toContain(direct);
  });
});
