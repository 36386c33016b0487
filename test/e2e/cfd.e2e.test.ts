/** The README's promise: the three-layer example builds, boots three ways, and computes. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { vsec } from '../support/vsec.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Bundle and consoles stay there for a look after a failure. */
const OUT = join(ROOT, 'build', 'e2e');
const ENV = join(ROOT, 'examples/cfd/cfd.yaml');
const BUNDLE = join(OUT, 'cfd_2.1.0_amd64');

interface Boot {
  readonly up: boolean;
  readonly seconds: number;
  readonly failedUnits: readonly string[];
  readonly imageSha256Before: string;
  readonly imageSha256After: string;
  readonly image: string;
  readonly guest?: { readonly rootfsUuid?: string };
  readonly exec?: { readonly exitCode: number; readonly stdout: string; readonly stderr: string };
}

interface Manifest {
  readonly rootfs: { readonly digest: string; readonly uuid: string };
  readonly artifacts: readonly { readonly file: string; readonly sha256: string }[];
}

const manifest = (): Manifest =>
  JSON.parse(readFileSync(join(BUNDLE, 'manifest.json'), 'utf8')) as Manifest;

async function boot(how: string, command: string): Promise<Boot> {
  const log = join(OUT, `console-${how}.log`);
  const { code, stdout, stderr } = await vsec([
    'boot',
    BUNDLE,
    ...['--firmware', how, '--timeout', '10m', '--console-log', log],
    ...['--exec', command, '--json', '--progress', 'plain'],
  ]);
  expect(code, `${stderr}\nconsole: ${log}`).toBe(0);
  return JSON.parse(stdout) as Boot;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

beforeAll(async () => {
  mkdirSync(OUT, { recursive: true });
  const { code, stderr } = await vsec(['build', ENV, '-O', OUT, '--progress', 'plain']);
  expect(code, stderr).toBe(0);
});

describe('examples/cfd', () => {
  test('the bundle has the layout that other programs rely on', () => {
    for (const name of ['qcow2', 'vmlinuz', 'initrd'])
      expect(existsSync(join(BUNDLE, `cfd_2.1.0_amd64.${name}`)), name).toBe(true);
    for (const name of ['manifest.json', 'SHA256SUMS', 'boot/qemu/run.sh'])
      expect(existsSync(join(BUNDLE, name)), name).toBe(true);
  });

  test.each(['bios', 'uefi', 'kernel'])('boots by %s with no failed unit', async (how) => {
    const result = await boot(how, 'systemctl is-system-running');
    expect(result).toMatchObject({ up: true, failedUnits: [] });
    expect(result.exec?.stdout.trim()).toBe('running');
    expect(result.guest?.rootfsUuid).toBe(manifest().rootfs.uuid);
    expect(result.imageSha256After).toBe(result.imageSha256Before);
    const listed = manifest().artifacts.find((artifact) => artifact.file === result.image);
    expect(result.imageSha256Before).toBe(listed?.sha256);
    expect(await sha256(join(BUNDLE, result.image))).toBe(listed?.sha256);
  });

  test('in the guest, Open MPI runs two ranks, and each layer had its say', async () => {
    const commands = [
      'su cfd -c /opt/cfd/run.sh',
      'echo timezone=$(readlink /etc/localtime)',
      'echo motd=$(head -c 15 /etc/motd)',
      'echo mitigations=$(grep -c mitigations=off /proc/cmdline)',
      'echo nfs=$(dpkg-query -W nfs-common 2>/dev/null | grep -c "[0-9]")',
      'echo audit=$(dpkg --audit | wc -l)',
      'echo keys=$(ls /etc/ssh/ssh_host_*_key | wc -l)',
      'echo machine=$(wc -c < /etc/machine-id)',
    ];
    const result = await boot('bios', commands.join('; '));
    const said = result.exec?.stdout ?? '';
    expect(said).toMatch(/rank 0 of 2/);
    expect(said).toMatch(/rank 1 of 2/);
    expect(said).toContain('pi = 3.1415926536');
    expect(said).toContain('timezone=/usr/share/zoneinfo/Europe/Berlin');
    expect(said).toContain('motd=Example cluster');
    expect(said).toContain('mitigations=1');
    expect(said).toContain('nfs=0');
    expect(said).toContain('audit=0');
    expect(said).toContain('keys=3');
    expect(said).toContain('machine=33');
  });
});
