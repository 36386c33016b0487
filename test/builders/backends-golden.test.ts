/** The glue as files that a reviewer can read; `make golden` writes them anew. */
import { describe, expect, it } from 'vitest';
import { backends } from '../../builders/backends/index.ts';
import { IMAGE } from './support/image.ts';

describe.each(backends.map((backend) => [backend.name, backend] as const))(
  '%s',
  (name, backend) => {
    it.each(backend.emit(IMAGE).map((file) => [file.path, file] as const))(
      '%s',
      async (path, file) => {
        await expect(file.content).toMatchFileSnapshot(`golden/${name}/${path}`);
      },
    );

    it('names its files after the bundle and makes the script executable', () => {
      expect(backend.emit(IMAGE).map(({ path, mode }) => [path, mode.toString(8)])).toEqual([
        ['run.sh', '755'],
        ['cfd_2.1.0_amd64.xml', '644'],
        ['cfd_2.1.0_amd64-uefi.xml', '644'],
        ['cfd_2.1.0_amd64-kernel.xml', '644'],
      ]);
    });

    it('has no direct boot where the bundle has no kernel', () => {
      const { kernel: _kernel, initrd: _initrd, ...bare } = IMAGE;
      expect(backend.emit(bare).map((file) => file.path)).not.toContain(
        'cfd_2.1.0_amd64-kernel.xml',
      );
    });

    it('gives the same bytes twice', () => {
      expect(backend.emit(IMAGE)).toEqual(backend.emit(structuredClone(IMAGE)));
    });
  },
);
