/**
 * The netboot shim: an initrd that acts like an installer, or fetches a root into memory. It holds
 * BusyBox, a few programs of the build toolbox with the libraries they load, and the drivers of the
 * image's own kernel; no distribution.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { failure } from '../../vse/diagnostic.ts';
import { mustRun, run } from '../sandbox/programs.ts';
import { templateText } from '../templates.ts';
import type { Toolbox } from '../toolbox.ts';
import { cpio } from './cpio.ts';
import type { CpioEntry } from './cpio.ts';
import { shimModules } from './modules.ts';

/**
 * Programs that BusyBox has not, or not well enough: its `tee` and `nc` copy 1 KiB at a time, which
 * on a hypervisor takes longer than all the rest, and its `dd` does not say how much it copied.
 * Below /usr/bin of the shim.
 */
const PROGRAMS: readonly string[] = [
  ...['sfdisk', 'mke2fs', 'tune2fs', 'tar', 'zstd', 'signify-openbsd', 'rsync'],
  ...['nc.openbsd', 'dd', 'tee'],
];
const BUSYBOX = 'busybox';

export interface ShimInput {
  readonly toolbox: Toolbox;
  /** Absolute path of the canonical tar, whose kernel the shim runs under. */
  readonly tar: string;
  readonly kernelRelease: string;
  /** Absolute path to write. */
  readonly output: string;
  /** Seconds since 1970. */
  readonly epoch: number;
  /** Private folder for intermediate files. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/** BUILD470 where a shim cannot be made: better before the image is written than after. */
export const refuseWithoutShim = (toolbox: Toolbox): void =>
  [BUSYBOX, ...PROGRAMS].forEach((name) => program(toolbox, name));

/** Writes the shim's initrd: the same bytes for the same image and toolbox. */
export async function writeShim(input: ShimInput): Promise<void> {
  const { toolbox, output, scratch, epoch, signal } = input;
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  try {
    const files = new Map<string, CpioEntry>();
    const add = (entry: CpioEntry): void => {
      for (let dir = dirname(entry.path); dir !== '.'; dir = dirname(dir))
        files.set(dir, { type: 'folder', path: dir });
      files.set(entry.path, entry);
    };
    const file = (path: string, data: Buffer, mode: number): void =>
      add({ type: 'file', path, data, mode });

    file('init', Buffer.from(templateText('netboot/init.sh')), 0o755);
    for (const name of ['common', 'install', 'rsync', 'diskless'])
      file(`lib/shim/${name}.sh`, Buffer.from(templateText(`netboot/${name}.sh`)), 0o644);
    file('lib/shim/lease.sh', Buffer.from(templateText('netboot/lease.sh')), 0o755);
    file('bin/busybox', readFileSync(program(toolbox, BUSYBOX)), 0o755);
    add({ type: 'link', path: 'bin/sh', target: 'busybox' });
    add({ type: 'link', path: 'etc/mtab', target: '/proc/mounts' });
    add({ type: 'device', path: 'dev/console', major: 5, minor: 1 });
    for (const name of ['proc', 'sys', 'run', 'tmp', 'new']) add({ type: 'folder', path: name });
    file('etc/mke2fs.conf', readFileSync(join(toolbox.root, 'etc/mke2fs.conf')), 0o644);

    const loader = toolbox.command(BUSYBOX, []).file;
    file(`lib64/${basename(loader)}`, readFileSync(loader), 0o755);
    for (const name of PROGRAMS) {
      const path = program(toolbox, name);
      file(`usr/bin/${name}`, readFileSync(path), 0o755);
      for (const library of await librariesOf(toolbox, path, signal))
        file(`lib/${basename(library)}`, readFileSync(library), 0o755);
    }

    const modules = await extractModules(input);
    for (const { name, data } of modules) file(`lib/modules/${name}`, data, 0o644);
    file('lib/modules/order', Buffer.from(modules.map(({ name }) => `${name}\n`).join('')), 0o644);

    const plain = join(scratch, 'shim.cpio');
    writeFileSync(plain, cpio([...files.values()], epoch));
    const zstd = toolbox.command('zstd', ['-q', '-15', '--no-progress', '-f', '-o', output, plain]);
    await mustRun('compressing the netboot shim', zstd.file, zstd.args, { env: zstd.env, signal });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Absolute path of a program of the toolbox. */
function program(toolbox: Toolbox, name: string): string {
  try {
    return toolbox.command(name, []).args[4] as string;
  } catch {
    throw failure('BUILD470', `the build toolbox has no ${name} to make a netboot shim of`, {
      hint: 'the lock was made by an earlier vsec: make it anew with vsec lock',
    });
  }
}

/** What the dynamic loader would load for the program at `path`, itself left out: absolute paths. */
async function librariesOf(
  toolbox: Toolbox,
  path: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { file, args, env } = toolbox.command(basename(path), []);
  const [option = '', folder = ''] = args;
  const { stdout } = await mustRun(
    `listing the libraries of ${basename(path)}`,
    file,
    [option, folder, '--list', path],
    { env, signal },
  );
  const found = [...stdout.matchAll(/ => (\/\S+) \(/g)].map(([, library]) => library as string);
  // The loader has its place in each program.
  return found.filter((library) => basename(library) !== basename(file));
}

interface Module {
  /** File name, of a module that is not compressed. */
  readonly name: string;
  readonly data: Buffer;
}

/** The shim's drivers out of the image, in the order in which they are to be loaded. */
async function extractModules(input: ShimInput): Promise<readonly Module[]> {
  const { kernelRelease, scratch } = input;
  const below = await modulesFolder(input);
  const lists = ['modules.dep', 'modules.builtin'].map((name) => `${below}/${name}`);
  await extract(input, lists);
  const [dependencies = '', builtin = ''] = lists.map((path) =>
    readFileSync(join(scratch, path), 'utf8'),
  );
  const wanted = shimModules(dependencies, builtin);
  if (wanted.length === 0)
    throw failure('BUILD471', `kernel ${kernelRelease} has no drivers as modules`);
  await extract(
    input,
    wanted.map((path) => `${below}/${path}`),
  );
  const modules: Module[] = [];
  for (const path of wanted) {
    const whole = join(scratch, below, path);
    const plain = await decompressed(input, whole);
    modules.push({ name: basename(plain), data: readFileSync(plain) });
  }
  return modules;
}

/** Debian 13 compresses modules; BusyBox wants them plain. */
async function decompressed({ toolbox, signal }: ShimInput, path: string): Promise<string> {
  const [, plain, suffix] = /^(.*\.ko)(?:\.(xz|zst))?$/.exec(path) ?? [];
  if (plain === undefined)
    throw failure('BUILD471', `${basename(path)} is compressed in a way that is not known`);
  if (suffix === undefined) return path;
  const tool = suffix === 'xz' ? 'xz' : 'zstd';
  const { file, args, env } = toolbox.command(tool, ['-q', '-d', '-f', path]);
  await mustRun(`decompressing ${basename(path)}`, file, args, { env, signal });
  return plain;
}

/** Where modules are in the tree, as the tar names them. */
async function modulesFolder({ toolbox, tar, kernelRelease, signal }: ShimInput): Promise<string> {
  const suffix = `lib/modules/${kernelRelease}/modules.dep`;
  const { file, args, env } = toolbox.command('tar', [
    ...['-tf', tar, '--wildcards', '--no-wildcards-match-slash'],
    ...[`*/${suffix}`, `*/usr/${suffix}`, suffix, `usr/${suffix}`],
  ]);
  // Patterns without a match make tar fail; what it lists is all that counts.
  const { stdout } = await run(file, args, { env, signal });
  const found = stdout.split('\n').find((line) => line.endsWith(suffix));
  if (found === undefined)
    throw failure('BUILD471', `the image has no modules for its kernel ${kernelRelease}`, {
      hint: 'the netboot shim takes its drivers from there',
    });
  return dirname(found);
}

async function extract(
  { toolbox, tar, scratch, signal }: ShimInput,
  names: readonly string[],
): Promise<void> {
  const { file, args, env } = toolbox.command('tar', [
    ...['-xf', tar, '-C', scratch, '--no-same-owner', '--'],
    ...names,
  ]);
  await mustRun("taking the shim's drivers out of the image", file, args, { env, signal });
}
