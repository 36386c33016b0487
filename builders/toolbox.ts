/** A toolbox: programs of the distribution, unpacked by vsec and started without the host's help. */
import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../vse/diagnostic.ts';

export interface Toolbox {
  /** `sha256:…` over the packages in it. */
  readonly digest: string;
  /** Absolute path of the unpacked tree. */
  readonly root: string;
  /** How to start `program` of this toolbox: through its own dynamic loader and libraries. */
  command(
    program: string,
    args: readonly string[],
  ): {
    readonly file: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
}

const TRIPLETS: Readonly<Record<string, { triplet: string; loader: string }>> = {
  x64: { triplet: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { triplet: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
};

/**
 * Opens the toolbox unpacked at `root`. Its programs run on the host's files but with their own
 * loader and libraries, so that neither a chroot nor a privilege is needed to use them.
 */
export function openToolbox(root: string, digest: string): Toolbox {
  const machine = TRIPLETS[process.arch];
  if (!machine)
    throw failure('BUILD150', `no toolbox for hosts of architecture ${process.arch}`, {
      hint: 'build on an x86-64 host',
    });
  const lib = join(root, 'usr/lib', machine.triplet);
  const loader = join(lib, machine.loader);
  return {
    digest,
    root,
    command(program, args) {
      const file = ['usr/sbin', 'usr/bin', 'sbin', 'bin']
        .map((dir) => join(root, dir, program))
        .find((path) => existsSync(path) || isLink(path));
      if (!file)
        throw failure('BUILD151', `the toolbox has no program ${program}`, {
          notes: [{ message: `looked below ${root}` }],
        });
      return {
        file: loader,
        args: ['--library-path', lib, '--argv0', program, file, ...args],
        env: {
          PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
          LC_ALL: 'C.UTF-8',
          TZ: 'UTC',
          GCONV_PATH: join(lib, 'gconv'),
          MTOOLS_SKIP_CHECK: '1',
        },
      };
    },
  };
}

function isLink(path: string): boolean {
  try {
    readlinkSync(path);
    return true;
  } catch {
    return false;
  }
}
