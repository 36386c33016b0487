/** `run.sh` with a program in QEMU's place that writes down what it was asked. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend, GoldenImage } from '../../builders/backend.ts';
import { kvm } from '../../builders/backends/kvm.ts';
import { qemu } from '../../builders/backends/qemu.ts';
import { kvmObstacle } from '../../builders/boot/accelerator.ts';
import { HOSTILE_NAMES, IMAGE, named, withMachine } from './support/image.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vsec-run-'));
  mkdirSync(join(folder, 'tmp'));
  mkdirSync(join(folder, 'bin'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, script: string): string {
  const path = join(folder, 'bin', name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Writes a bundle into `<folder>/<name>` and returns its script. */
function bundle(image: GoldenImage, backend: Backend = qemu, name = 'bundle'): string {
  const root = join(folder, name);
  const glue = join(root, 'boot', backend.name);
  mkdirSync(glue, { recursive: true });
  for (const file of [image.disks['qcow2'], image.kernel, image.initrd])
    if (file !== undefined) writeFileSync(join(root, file), `content of ${file}`);
  for (const file of backend.emit(image)) {
    writeFileSync(join(glue, file.path), file.content);
    chmodSync(join(glue, file.path), file.mode);
  }
  return join(glue, 'run.sh');
}

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What QEMU was given. */
  readonly argv: readonly string[];
}

function runScript(script: string, args: string[] = [], env: Record<string, string> = {}): Outcome {
  const record = join(folder, 'argv');
  const fake = program('qemu', `for a; do printf '%s\\0' "$a"; done >'${record}'`);
  const { status, stdout, stderr } = spawnSync(script, args, {
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', TMPDIR: join(folder, 'tmp'), QEMU: fake, ...env },
  });
  const argv = existsSync(record) ? readFileSync(record, 'utf8').split('\0').slice(0, -1) : [];
  return { status, stdout, stderr, argv };
}

const after = (argv: readonly string[], option: string): string[] =>
  argv.flatMap((arg, at) => (arg === option ? [argv[at + 1] ?? ''] : []));

const sameSize = withMachine({ disk: IMAGE.diskSize });

describe('run.sh', () => {
  it('starts the image by BIOS, with a disk that is forgotten', () => {
    const { status, stderr, argv } = runScript(bundle(sameSize));
    expect([status, stderr]).toEqual([0, '']);
    expect(after(argv, '-drive')).toEqual([
      `file=${folder}/bundle/cfd_2.1.0_amd64.qcow2,format=qcow2,if=none,id=disk,snapshot=on`,
    ]);
    expect(after(argv, '-m')).toEqual(['1024']);
    expect(after(argv, '-smp')).toEqual(['2']);
    expect(after(argv, '-device').filter((device) => device.includes('net'))).toEqual([
      'virtio-net-pci,netdev=net0,mac=00:50:56:00:00:01',
      'virtio-net-pci,netdev=net1',
    ]);
    expect(argv).not.toContain('-kernel');
  });

  it('starts the kernel itself', () => {
    const { argv } = runScript(bundle(sameSize), ['--kernel']);
    expect(after(argv, '-kernel')).toEqual([`${folder}/bundle/cfd_2.1.0_amd64.vmlinuz`]);
    expect(after(argv, '-initrd')).toEqual([`${folder}/bundle/cfd_2.1.0_amd64.initrd`]);
    expect(after(argv, '-append')).toEqual([
      'root=LABEL=vse-root ro console=hvc0 mitigations=off console=ttyS0',
    ]);
  });

  it('gives a microvm its own firmware, and tells it how fast its time stamps run', () => {
    // KVM, where it works, has a clock for its guests.
    const emulated = kvmObstacle() !== undefined;
    const { argv } = runScript(bundle(sameSize), ['--microvm']);
    const [append] = after(argv, '-append');
    expect(after(argv, '-bios')).toEqual(['qboot.rom']);
    expect(append).toMatch(emulated ? / reboot=t tsc_early_khz=\d{6,7}$/ : / reboot=t$/);
  });

  it('starts UEFI with variables of its own', () => {
    const env = { OVMF_CODE: join(folder, 'co,de.fd'), OVMF_VARS: join(folder, 'vars.fd') };
    for (const file of Object.values(env)) writeFileSync(file, 'firmware');
    const { status, argv } = runScript(bundle(sameSize), ['--uefi'], env);
    expect(status).toBe(0);
    const [code, vars] = after(argv, '-drive');
    expect(code).toBe(`if=pflash,format=raw,unit=0,readonly=on,file=${folder}/co,,de.fd`);
    expect(vars).toMatch(/^if=pflash,format=raw,unit=1,file=.*\/tmp\/vsec-run\..*\/vars\.fd$/);
    expect(vars).not.toContain(env.OVMF_VARS);
  });

  it('passes on what it does not know, last', () => {
    const { argv } = runScript(bundle(sameSize), ['--bios', '-m', '2048', '-display', 'gtk']);
    expect(argv.slice(-4)).toEqual(['-m', '2048', '-display', 'gtk']);
  });

  it('passes on everything after --', () => {
    expect(runScript(bundle(sameSize), ['--', '--kernel']).argv.at(-1)).toBe('--kernel');
  });

  it('leads ssh into the guest', () => {
    const { argv } = runScript(bundle(sameSize), ['--ssh', '2222']);
    expect(after(argv, '-netdev')).toContain('user,id=net0,hostfwd=tcp:127.0.0.1:2222-:22');
  });

  it('writes to the image when told to, and not otherwise', () => {
    const [drive] = after(runScript(bundle(sameSize), ['--persistent']).argv, '-drive');
    expect(drive).not.toContain('snapshot=on');
    expect(drive).toContain('/bundle/cfd_2.1.0_amd64.qcow2,');
  });

  it('makes the disk as large as the machine’s', () => {
    program('qemu-img', `printf '%s\\n' "$*" >'${folder}/qemu-img'`);
    const path = `${join(folder, 'bin')}:/usr/bin:/bin`;
    const [drive] = after(runScript(bundle(IMAGE), [], { PATH: path }).argv, '-drive');
    expect(drive).toMatch(/^file=.*\/disk\.qcow2,format=qcow2,if=none,id=disk$/);
    expect(readFileSync(join(folder, 'qemu-img'), 'utf8')).toMatch(
      /^create -q -f qcow2 -F qcow2 -b .*\/bundle\/cfd_2\.1\.0_amd64\.qcow2 .* 8589934592\n$/,
    );
  });

  it('leaves the bundle as it was, and nothing behind', () => {
    const script = bundle(sameSize);
    const digest = (): string =>
      readdirSync(join(folder, 'bundle'), { recursive: true, encoding: 'utf8' })
        .sort()
        .map((name) => {
          const path = join(folder, 'bundle', name);
          return /\.\w+$/.test(name)
            ? createHash('sha256').update(readFileSync(path)).digest('hex')
            : name;
        })
        .join();
    const before = digest();
    runScript(script);
    expect(digest()).toBe(before);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  it('ends as QEMU ends', () => {
    const script = bundle(sameSize);
    const failing = program('failing', 'exit 7');
    expect(runScript(script, [], { QEMU: failing }).status).toBe(7);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  it('takes QEMU with it when it is ended', async () => {
    const pid = join(folder, 'pid');
    const fake = program('waiting', `echo $$ >'${pid}'; exec sleep 60`);
    const child = spawn(bundle(sameSize), [], {
      env: { PATH: '/usr/bin:/bin', TMPDIR: join(folder, 'tmp'), QEMU: fake },
    });
    const ended = new Promise((resolve) => child.on('close', resolve));
    while (!existsSync(pid) || readFileSync(pid, 'utf8') === '') await setTimeout(20);
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
    expect(existsSync(`/proc/${readFileSync(pid, 'utf8').trim()}`)).toBe(false);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  it('gives QEMU its own input', () => {
    const fake = program('reading', `cat >'${folder}/input'`);
    const env = { PATH: '/usr/bin:/bin', TMPDIR: join(folder, 'tmp'), QEMU: fake };
    spawnSync(bundle(sameSize), [], { env, input: 'typed' });
    expect(readFileSync(join(folder, 'input'), 'utf8')).toBe('typed');
  });

  it('explains itself', () => {
    const { status, stdout, argv } = runScript(bundle(sameSize), ['--help']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Usage: run\.sh .*--uefi .*--persistent /s);
    expect(argv).toEqual([]);
  });

  it('works from any folder, through a relative path', () => {
    bundle(sameSize);
    const record = runScript('./bundle/boot/qemu/run.sh');
    expect(record.status).toBe(0);
  });
});

describe('what goes wrong', () => {
  it.each<[string, string[], Record<string, string>, RegExp]>([
    [
      'QEMU is missing',
      [],
      { QEMU: '/nowhere/qemu' },
      /qemu is not installed\n +hint: .*apt install/,
    ],
    ['a port is no number', ['--ssh', 'x'], {}, /--ssh needs a port number, not 'x'/],
    ['a port is missing', ['--ssh'], {}, /--ssh needs a port number/],
  ])('%s', (_case, args, env, message) => {
    const { status, stderr, argv } = runScript(bundle(sameSize), args, env);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(argv).toEqual([]);
  });

  it('the image is gone', () => {
    const script = bundle(sameSize);
    rmSync(join(folder, 'bundle', 'cfd_2.1.0_amd64.qcow2'));
    expect(runScript(script).stderr).toMatch(/cannot read .*qcow2\n +hint: /);
  });

  it('the kernel is gone', () => {
    const script = bundle(sameSize);
    rmSync(join(folder, 'bundle', 'cfd_2.1.0_amd64.vmlinuz'));
    expect(runScript(script, ['--kernel']).stderr).toMatch(/cannot read .*vmlinuz/);
  });

  it('the bundle never had a kernel', () => {
    const { kernel: _kernel, initrd: _initrd, ...bare } = sameSize;
    expect(runScript(bundle(bare), ['--kernel']).stderr).toMatch(/no kernel.*\n +hint: use --bios/);
  });

  it('there is no interface for ssh', () => {
    const script = bundle({ ...sameSize, machine: { ...sameSize.machine, nics: [] } });
    expect(runScript(script, ['--ssh', '2222']).stderr).toMatch(/no network interface/);
    expect(after(runScript(script).argv, '-nic')).toEqual(['none']);
  });

  it('KVM does not work, and the script is for KVM alone', () => {
    const script = bundle(sameSize, kvm);
    const text = readFileSync(script, 'utf8').replace("'vmx|svm'", "'no-such-flag'");
    writeFileSync(script, text);
    const { status, stderr, argv } = runScript(script);
    expect([status, argv]).toEqual([1, []]);
    expect(stderr).toMatch(/KVM does not work here.*\n +hint: /);
  });
});

describe.each(HOSTILE_NAMES.map((name) => [JSON.stringify(name), name]))('%s', (_n, name) => {
  it('is a file name and nothing more', () => {
    const image = { ...named(name), machine: sameSize.machine };
    const { status, stderr, argv } = runScript(bundle(image), ['--kernel']);
    expect([status, stderr]).toEqual([0, '']);
    const file = `${folder}/bundle/${name}.qcow2`.replaceAll(',', ',,');
    expect(after(argv, '-drive')[0]).toBe(`file=${file},format=qcow2,if=none,id=disk,snapshot=on`);
    expect(after(argv, '-kernel')).toEqual([`${folder}/bundle/${name}.vmlinuz`]);
    expect(after(argv, '-name')).toEqual([name.replaceAll(',', ',,')]);
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
  });

  it('is a folder name and nothing more', () => {
    const { status, stderr, argv } = runScript(bundle(sameSize, qemu, name), ['--kernel']);
    expect([status, stderr]).toEqual([0, '']);
    expect(after(argv, '-kernel')).toEqual([`${folder}/${name}/cfd_2.1.0_amd64.vmlinuz`]);
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
  });
});
