/** `vsec boot` from a bundle to its result, with a shell script in QEMU's place. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kvm } from '../../builders/backends/kvm.ts';
import { qemu } from '../../builders/backends/qemu.ts';
import { accelerators, kvmObstacle } from '../../builders/boot/accelerator.ts';
import type { BootOptions } from '../../builders/boot/boot.ts';
import { bootBundle, bootWith } from '../../builders/boot/boot.ts';
import { openImage } from '../../builders/boot/image-under-test.ts';
import { goldenImage } from '../../builders/manifest.ts';
import type { Manifest } from '../../builders/manifest.ts';
import { VsecError } from '../../vse/diagnostic.ts';
import { fakeToolbox, ROOT_UUID, testContext, UP, writeBundle } from './support/boot.ts';

let folder = '';
let bundle = '';
let scratch = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vsec-boottest-'));
  bundle = join(folder, 'bundle');
  scratch = join(folder, 'scratch');
  for (const dir of [bundle, scratch, join(folder, 'toolbox/usr/share/OVMF')])
    mkdirSync(dir, { recursive: true });
  writeFileSync(join(folder, 'toolbox/usr/share/OVMF/OVMF_VARS_4M.fd'), 'variables');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes its arguments down, for `argv`. */
const record = (): string => `for a; do printf '%s\\0' "$a"; done >'${join(folder, 'argv')}'; `;
const argv = (): string[] => readFileSync(join(folder, 'argv'), 'utf8').split('\0');

const toolbox = (guest: string, more: Readonly<Record<string, string>> = {}) =>
  fakeToolbox(join(folder, 'toolbox'), {
    'qemu-img': ': >"$9"',
    'qemu-system-x86_64': record() + guest,
    ...more,
  });

const SOUND = `echo booting; echo '${UP}'; sleep 30`;

function boot(guest: string, options: Partial<BootOptions> = {}, programs = {}) {
  const { ctx } = testContext(scratch);
  return bootBundle(bundle, { backend: 'qemu', ...options }, toolbox(guest, programs), ctx);
}

async function codeOf(work: Promise<unknown>): Promise<[string | undefined, number]> {
  const problem = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(problem).toBeInstanceOf(VsecError);
  const { diagnostics, exitCode } = problem as VsecError;
  return [diagnostics[0]?.code, exitCode];
}

describe('a sound guest', () => {
  it('is up', async () => {
    const { artifacts } = writeBundle(bundle);
    const result = await boot(SOUND, { accelerator: 'tcg' });
    expect(result).toMatchObject({
      ...{ backend: 'qemu', up: true, tier: 'ran', failedUnits: [], diagnostics: [] },
      ...{ firmware: 'bios', accelerator: 'tcg', image: 'cfd_2.1.0_amd64.qcow2' },
      guest: { seconds: 23.4, rootfsUuid: ROOT_UUID },
      console: ['booting', UP],
    });
    expect(result.seconds).toBeLessThan(20);
    expect(result.imageSha256Before).toBe(artifacts[0]?.sha256);
    expect(result.imageSha256After).toBe(artifacts[0]?.sha256);
  });

  it('gets an overlay to write to, never the image', async () => {
    writeBundle(bundle);
    await boot(SOUND);
    const drives = argv().filter((arg) => arg.startsWith('file='));
    expect(drives).toHaveLength(1);
    expect(drives[0]).toMatch(/\/scratch\/vsec-boot-[-\w]+\/disk\.qcow2,format=qcow2/);
    expect(argv().join('\n')).not.toContain(join(bundle, 'cfd_2.1.0_amd64.qcow2'));
  });

  it('leaves nothing behind', async () => {
    writeBundle(bundle);
    await boot(SOUND, { firmware: 'uefi' });
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('is started as was asked', async () => {
    writeBundle(bundle);
    await boot(SOUND, { firmware: 'kernel' });
    expect(argv()).toContain('root=LABEL=vse-root ro console=ttyS0');
    await boot(SOUND, { firmware: 'uefi' });
    expect(argv().filter((arg) => arg.startsWith('if=pflash'))).toHaveLength(2);
    expect(argv()).not.toContain('-kernel');
  });

  it('may have its console written down', async () => {
    writeBundle(bundle);
    const consoleLog = join(folder, 'console.log');
    await boot(SOUND, { consoleLog });
    expect(readFileSync(consoleLog, 'utf8')).toBe(`booting\n${UP}\n`);
  });
});

describe('a guest that does not come up', () => {
  it.each<[string, string, string]>([
    ['panics', 'echo "Kernel panic - not syncing: no init"; sleep 30', 'BOOT020'],
    ['ends early', 'echo oops >&2; exit 1', 'BOOT031'],
    [
      'has a failed unit',
      `echo '${UP.replace('failed=0 units=-', 'failed=1 units=a.service')}'; sleep 30`,
      'BOOT034',
    ],
    ['runs another tree', `echo '${UP.replace('6d0e', 'ffff')}'; sleep 30`, 'BOOT036'],
    ['is never done', 'while :; do echo .; sleep 0.2; done', 'BOOT033'],
  ])('%s', async (_case, guest, code) => {
    writeBundle(bundle);
    const result = await boot(guest, { timeout: 1, accelerator: 'tcg' });
    expect(result.up).toBe(false);
    expect(result.tier).toBe('emitted');
    expect(result.diagnostics.map((found) => found.code)).toEqual([code]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('names its failed units with what they said', async () => {
    writeBundle(bundle);
    const { failedUnits, diagnostics } = await boot(
      `echo 'vsec: failed-unit a.service: timeout'; echo 'vsec: failed-log a.service: why';
       echo '${UP.replace('failed=0 units=-', 'failed=1 units=a.service')}'; sleep 30`,
    );
    expect(failedUnits).toEqual(['a.service']);
    expect(diagnostics[0]).toMatchObject({
      message: 'in the guest, a.service failed (timeout)',
      notes: [{ message: 'why' }],
    });
  });

  it('is not the fault of the image when somebody else writes to it meanwhile', async () => {
    writeBundle(bundle);
    const guest = `echo more >>'${join(bundle, 'cfd_2.1.0_amd64.qcow2')}'; ${SOUND}`;
    const result = await boot(guest);
    expect(result.up).toBe(false);
    expect(result.imageSha256After).not.toBe(result.imageSha256Before);
    expect(result.diagnostics.map((found) => found.code)).toEqual(['BOOT037']);
  });

  it('is given up when the work is interrupted', async () => {
    writeBundle(bundle);
    const { ctx, abort } = testContext(scratch);
    setTimeout(() => abort(new Error('stopped by SIGINT')), 700);
    const work = bootBundle(bundle, { backend: 'qemu' }, toolbox('echo a; sleep 30'), ctx);
    await expect(work).rejects.toThrow('stopped by SIGINT');
    expect(readdirSync(scratch)).toEqual([]);
  });
});

describe('what cannot be booted', () => {
  it.each<[string, () => Partial<BootOptions>, [string, number]]>([
    ['no bundle', () => ({}), ['BUILD420', 2]],
    ['an unknown backend', () => ({ backend: 'qmeu' }), ['BUILD400', 2]],
    [
      'a damaged manifest',
      () => (writeFileSync(join(bundle, 'manifest.json'), '{'), {}),
      ['BUILD421', 1],
    ],
    [
      'a manifest that leads out of the bundle',
      () => {
        const { artifacts } = writeBundle(bundle);
        const escaped = artifacts.map((one) => ({ ...one, file: `../${one.file}` }));
        writeBundle(bundle, { artifacts: escaped });
        return {};
      },
      ['BUILD422', 1],
    ],
    [
      'a bundle without a disk',
      () => {
        const { artifacts } = writeBundle(bundle);
        writeBundle(bundle, { artifacts: artifacts.slice(1) });
        return {};
      },
      ['BUILD411', 2],
    ],
    [
      'an image that is gone',
      () => (writeBundle(bundle), rmSync(join(bundle, 'cfd_2.1.0_amd64.qcow2')), {}),
      ['BOOT005', 1],
    ],
    [
      'an image that somebody wrote to',
      () => (writeBundle(bundle), writeFileSync(join(bundle, 'cfd_2.1.0_amd64.qcow2'), 'x'), {}),
      ['BOOT006', 1],
    ],
    [
      'a direct boot without a kernel',
      () => {
        const { artifacts } = writeBundle(bundle);
        writeBundle(bundle, { artifacts: artifacts.slice(0, 1) });
        return { firmware: 'kernel' };
      },
      ['BOOT010', 1],
    ],
    [
      'a console log in no folder',
      () => (writeBundle(bundle), { consoleLog: join(folder, 'no/where') }),
      ['BOOT007', 1],
    ],
  ])('%s', async (_case, prepare, expected) => {
    expect(await codeOf(boot(SOUND, prepare()))).toEqual(expected);
    expect(readdirSync(scratch)).toEqual([]);
  });
});

describe('a command in the guest', () => {
  const KEYGEN =
    'f=""; for a; do f=$a; done; echo private >"$f"; echo "ssh-ed25519 AAAA key" >"$f.pub"';
  const programs = (ssh: string) => ({ 'ssh-keygen': KEYGEN, ssh });

  it('is run as root with its output and exit code', async () => {
    writeBundle(bundle);
    const ssh =
      'for c; do :; done; [ "$c" = true ] || { echo "ran: $c"; echo complaint >&2; exit 3; }';
    const { up, exec } = await boot(SOUND, { exec: `echo "it's"` }, programs(ssh));
    expect(up).toBe(true);
    expect(exec).toEqual({
      command: `echo "it's"`,
      ...{ exitCode: 3, stdout: `ran: echo "it's"\n`, stderr: 'complaint\n' },
    });
  });

  it('gets in by credentials that name the key, on a port of this host alone', async () => {
    writeBundle(bundle);
    await boot(SOUND, { exec: 'true' }, programs('exit 0'));
    const credentials = argv()
      .filter((arg) => arg.startsWith('type=11,'))
      .map((arg) => /binary:([^=]+)=(.*)$/.exec(arg))
      .map((match) => [match?.[1], Buffer.from(match?.[2] ?? '', 'base64').toString()]);
    expect(credentials).toEqual([
      ['ssh.authorized_keys.root', 'ssh-ed25519 AAAA key\n'],
      ['tmpfiles.extra', 'w+ /root/.ssh/authorized_keys - - - - \\nssh-ed25519 AAAA key\\n\n'],
    ]);
    expect(argv().join('\n')).toMatch(/hostfwd=tcp:127\.0\.0\.1:[1-9]\d*-:22/);
  });

  it('is not run in a guest that is not up', async () => {
    writeBundle(bundle);
    const result = await boot('exit 1', { exec: 'id', accelerator: 'tcg' }, programs('exit 0'));
    expect(result.exec).toBeUndefined();
  });

  it('may break off', async () => {
    writeBundle(bundle);
    const ssh = 'for c; do :; done; [ "$c" = true ] || { echo "Connection reset" >&2; exit 255; }';
    const result = await boot(SOUND, { exec: 'poweroff' }, programs(ssh));
    expect(result.up).toBe(true);
    expect(result.exec?.exitCode).toBe(255);
    expect(result.diagnostics.map((found) => found.code)).toEqual(['BOOT041']);
  });

  it('may take too long', async () => {
    writeBundle(bundle);
    const ssh = 'for c; do :; done; [ "$c" = true ] || { echo begun; exec sleep 30; }';
    const result = await boot(SOUND, { exec: 'sleep', timeout: 2 }, programs(ssh));
    expect(result.diagnostics.map((found) => found.code)).toEqual(['BOOT042']);
    expect(result.diagnostics[0]?.notes).toEqual([{ message: 'begun' }]);
  });
});

describe('accelerators', () => {
  const NONE = 'no vmx';

  it('are KVM first where it works', () => {
    expect(accelerators(qemu, 'auto', undefined)).toEqual(['kvm', 'tcg']);
    expect(accelerators(qemu, 'auto', NONE)).toEqual(['tcg']);
    expect(accelerators(qemu, 'tcg', undefined)).toEqual(['tcg']);
    expect(accelerators(kvm, 'auto', undefined)).toEqual(['kvm']);
  });

  it.each([
    [kvm, 'auto', /--backend qemu/],
    [qemu, 'kvm', /leave out --accelerator/],
  ] as const)('are not there for %o with %s', (backend, choice, hint) => {
    try {
      accelerators(backend, choice, NONE);
      expect.unreachable();
    } catch (problem) {
      const [found] = (problem as VsecError).diagnostics;
      expect([found?.code, found?.notes]).toEqual(['BOOT003', [{ message: NONE }]]);
      expect(found?.hint).toMatch(hint);
    }
  });

  it('take the processor at its word, not the device', () => {
    const cpuinfo = join(folder, 'cpuinfo');
    writeFileSync(cpuinfo, 'flags\t\t: fpu svm_lock vme\nbugs\t: vmx\n');
    expect(kvmObstacle('/dev/null', cpuinfo)).toMatch(/neither vmx nor svm/);
    writeFileSync(cpuinfo, 'flags\t\t: fpu vme svm pse\n');
    expect(kvmObstacle('/dev/null', cpuinfo)).toBeUndefined();
    expect(kvmObstacle(join(folder, 'no-kvm'), cpuinfo)).toMatch(/there is no/);
    expect(kvmObstacle('/dev/null', join(folder, 'gone'))).toMatch(/cannot be read/);
  });

  it('are changed where the first shows no sign of life', async () => {
    const manifest: Manifest = writeBundle(bundle);
    const { ctx } = testContext(scratch);
    const image = goldenImage(manifest);
    const under = await openImage(bundle, manifest, image, qemu, ctx);
    const guest = `case "$*" in *"-accel kvm"*) echo "no KVM" >&2; exit 1 ;; esac; ${SOUND}`;
    const result = await bootWith(
      ['kvm', 'tcg'],
      {
        ...{ backend: qemu, bundle, image, under, toolbox: toolbox(guest), ctx },
        ...{ firmware: 'bios', timeout: 20_000 },
      },
      manifest,
    );
    expect(result).toMatchObject({ up: true, accelerator: 'tcg' });
    expect(result.diagnostics.map(({ code, severity }) => [code, severity])).toEqual([
      ['BOOT035', 'warning'],
    ]);
  });
});
