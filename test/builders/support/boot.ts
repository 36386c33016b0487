/** A bundle to boot, and a toolbox whose programs are a few lines of shell. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../../builders/manifest.ts';
import type { Toolbox } from '../../../builders/toolbox.ts';
import type { Context, ReportEvent } from '../../../vse/report.ts';

export const ROOT_UUID = '6d0e2c1a-1f2b-8c3d-9e4f-0123456789ab';
export const UP = `vsec: up seconds=23.4 failed=0 units=- rootfs-uuid=${ROOT_UUID}`;

const ZERO = `sha256:${'0'.repeat(64)}`;

/** Writes a bundle's files and manifest into `folder`, which must exist. */
export function writeBundle(folder: string, changes: Partial<Manifest> = {}): Manifest {
  const artifact = (file: string, format: string) => {
    const content = `content of ${file}`;
    writeFileSync(join(folder, file), content);
    const sha256 = createHash('sha256').update(content).digest('hex');
    return { file, format, size: content.length, sha256 };
  };
  const manifest: Manifest = {
    ...{ vsecManifest: 1, name: 'cfd', version: '2.1.0', architecture: 'amd64' },
    rootfs: { digest: ZERO, uuid: ROOT_UUID, label: 'vse-root' },
    ...{ lock: { sha256: '0'.repeat(64) }, vse: { digest: ZERO }, toolbox: { digest: ZERO } },
    input: ZERO,
    boot: {
      kernelCmdline: ['root=LABEL=vse-root', 'ro'],
      machine: { memory: 2 ** 29, vcpus: 1, nics: [{}] },
      diskSize: 2 ** 30,
    },
    artifacts: [
      artifact('cfd_2.1.0_amd64.qcow2', 'qcow2'),
      artifact('cfd_2.1.0_amd64.vmlinuz', 'kernel'),
      artifact('cfd_2.1.0_amd64.initrd', 'initrd'),
    ],
    backends: ['qemu'],
    ...changes,
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return manifest;
}

/** Each program is a shell script that is given the arguments. */
export const fakeToolbox = (root: string, scripts: Readonly<Record<string, string>>): Toolbox => ({
  digest: ZERO,
  root,
  command(program, args) {
    // As the real one does, setpriv becomes what follows its options.
    if (program === 'setpriv') return { file: args[3] ?? '', args: args.slice(4), env: {} };
    const script = scripts[program] ?? `echo "no ${program}" >&2; exit 127`;
    return {
      file: '/bin/sh',
      args: ['-c', script, program, ...args],
      env: { PATH: '/usr/bin:/bin' },
    };
  },
});

export function testContext(scratch: string): {
  readonly ctx: Context;
  readonly events: ReportEvent[];
  readonly abort: (reason: Error) => void;
} {
  const controller = new AbortController();
  const events: ReportEvent[] = [];
  const ctx: Context = {
    report: (event) => events.push(event),
    signal: controller.signal,
    cacheDir: scratch,
    jobs: 1,
    offline: true,
    env: { TMPDIR: scratch },
  };
  return { ctx, events, abort: (reason) => controller.abort(reason) };
}
