/** The boot menu of an image that carries a hypervisor. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeBootConfiguration } from '../../builders/rootfs/bootable.ts';
import { findHypervisor } from '../../builders/rootfs/hypervisor.ts';
import type { FinishRecipe } from '../../builders/rootfs/recipe.ts';
import { installed } from './support/programs.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vsec-menu-'));
  mkdirSync(join(root, 'boot/grub'), { recursive: true });
  mkdirSync(join(root, 'etc'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const config = {
  package: 'xen-hypervisor-4.17-amd64',
  cmdline: { dom0_mem: '512M,max:512M', loglvl: 'all' },
} as const;

function xen(release: string, header = 0xe85250d6): void {
  const image = Buffer.alloc(4096);
  image.writeUInt32LE(header, 64);
  writeFileSync(join(root, `boot/xen-${release}.gz`), gzipSync(image));
}

function menu(cmdline: Readonly<Record<string, string | true>> = {}): string {
  const recipe: FinishRecipe = {
    ...{ name: 'host', version: '1.0.0', rootLabel: 'vse-12345678', filesystem: 'ext4', cmdline },
    ...{ hypervisor: config, initrdModules: [], network: {}, users: {}, groups: {}, files: {} },
    ...{ services: {}, scripts: {} },
  };
  const kernel = { release: '6.1', image: 'boot/vmlinuz-6.1', initrd: 'boot/initrd.img-6.1' };
  writeBootConfiguration(root, kernel, recipe, findHypervisor(root, config));
  return readFileSync(join(root, 'boot/grub/grub.cfg'), 'utf8');
}

/** The commands of the entry whose title has `text` in it. */
const entry = (from: string, text: string): string[] =>
  (from.split(/^menuentry /m).find((one) => one.split('\n')[0]?.includes(text)) ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== '}');

describe('the menu', () => {
  it('starts Xen, and falls back to Linux alone', () => {
    xen('4.17-amd64');
    const text = menu({ quiet: true });
    expect(text).toMatch(/^set default=0$/m);
    expect(text).toMatch(/^set fallback=1$/m);
    expect(entry(text, 'with Xen 4.17-amd64')).toEqual([
      'search --no-floppy --label vse-12345678 --set=root',
      'multiboot2 /boot/xen-4.17-amd64.gz console=com1,vga com1=115200,8n1 dom0_mem=512M,max:512M loglvl=all $for_firmware',
      'module2 /boot/vmlinuz-6.1 root=LABEL=vse-12345678 ro console=tty0 quiet console=hvc0',
      'module2 --nounzip /boot/initrd.img-6.1',
    ]);
    expect(entry(text, 'without Xen')[1]).toMatch(/^linux \/boot\/vmlinuz-6.1 .*console=ttyS0/);
  });

  it('speaks Multiboot 1 with a hypervisor that has no other header', () => {
    xen('4.0-amd64', 0x1badb002);
    expect(entry(menu(), 'with Xen').map((line) => line.split(' ')[0])).toEqual([
      ...['search', 'multiboot', 'module', 'module'],
    ]);
  });

  it.skipIf(!installed('grub-script-check'))('is read by GRUB, whatever is in it', () => {
    xen('4.17-amd64');
    const text = menu({ a: "it's $HOME; `id` {x}", b: '"c d"' });
    const { status, stderr } = spawnSync('grub-script-check', { input: text, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});

describe('the hypervisor', () => {
  it('is the newest one', () => {
    xen('4.9-amd64');
    xen('4.17-amd64');
    writeFileSync(join(root, 'boot/xen-4.17-amd64.efi'), '');
    expect(findHypervisor(root, config)).toEqual({
      ...{ release: '4.17-amd64', protocol: 'multiboot2' },
      ...{ image: 'boot/xen-4.17-amd64.gz', efi: 'boot/xen-4.17-amd64.efi' },
    });
  });

  it('is missed when the package brought none', () => {
    expect(() => findHypervisor(root, config)).toThrow(/BUILD175.*xen-hypervisor-4.17-amd64/);
  });
});
