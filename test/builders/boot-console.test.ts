/** Consoles as guests really write them. */
import { describe, expect, it } from 'vitest';
import { Console, plain } from '../../builders/boot/console.ts';
import { troubleIn } from '../../builders/boot/trouble.ts';

describe('a console', () => {
  it.each([
    ['\u001bc\u001b[?7l\u001b[2J\u001b[0mSeaBIOS (version 1.16)\r', 'SeaBIOS (version 1.16)'],
    [
      '[\u001b[0;32m  OK  \u001b[0m] Reached \u001b[0;1;39mtimers.target\u001b[0m',
      '[  OK  ] Reached timers.target',
    ],
    ['\u001b]0;title\u0007text', 'text'],
    ['\u001b[2;1H\u001b[1mGRUB\u001b[0m  menu', 'GRUB  menu'],
    ['\u001b(Btext\u001b=', 'text'],
    ['plain [not] a sequence', 'plain [not] a sequence'],
  ])('%j shows %j', (raw, shown) => {
    expect(plain(raw)).toBe(shown);
  });

  it('puts lines together from any chunks', () => {
    const bytes = Buffer.from('first\r\nsec\u001b[1mond ✓\r\nprompt> ');
    const console = new Console();
    const lines = [...bytes].flatMap((byte) => console.feed(Buffer.from([byte])));
    expect(lines).toEqual(['first', 'second ✓']);
    expect(console.current).toBe('prompt>');
    expect(console.tail(2)).toEqual(['second ✓', 'prompt>']);
  });

  it('keeps the end of endless output, and of an endless line', () => {
    const console = new Console();
    for (let at = 0; at < 5000; at++) console.feed(Buffer.from(`line ${at}\n`));
    expect(console.tail(1e6).length).toBeLessThanOrEqual(401);
    expect(console.tail(1)).toEqual(['line 4999']);
    for (let at = 0; at < 100; at++) console.feed(Buffer.alloc(100_000, 'x'));
    expect(console.tail(1e6).join('').length).toBeLessThan(2_000_000);
  });
});

describe('trouble', () => {
  it.each([
    [
      '[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)',
      'BOOT020',
    ],
    ['[    9.9] ---[ end Kernel panic - not syncing: Attempted to kill init! ]---', 'BOOT020'],
    ['[    2.9] Initramfs unpacking failed: ZSTD-compressed data is corrupt', 'BOOT025'],
    ['(initramfs)', 'BOOT021'],
    ['ALERT!  LABEL=wrong does not exist.  Dropping to a shell!', 'BOOT021'],
    ['You are in emergency mode. After logging in, type "journalctl -xb"', 'BOOT022'],
    ['grub rescue>', 'BOOT023'],
    ['grub>', 'BOOT023'],
    [
      'error: ../../grub-core/loader/i386/efi/linux.c:266:you need to load the kernel first.',
      'BOOT023',
    ],
    ['error: no such device: root.', 'BOOT023'],
    ['No bootable device.', 'BOOT024'],
    ['Boot failed: not a bootable disk', 'BOOT024'],
    ['BdsDxe: No bootable option or device was found.', 'BOOT024'],
    ['Shell>', 'BOOT024'],
    ['>>Start PXE over IPv4.', 'BOOT024'],
  ])('%j is %s', (line, code) => {
    expect(troubleIn(line)?.code).toBe(code);
  });

  it('says what the kernel said', () => {
    expect(troubleIn('[ 1.0] Kernel panic - not syncing: no $1 left')?.message).toBe(
      'the kernel panicked: no $1 left',
    );
  });

  it.each([
    'error: no suitable video mode found.',
    'error: no such device: /xen/pvboot-x86_64.elf.',
    'kernel: panic=10 on the command line',
    '[    2.9] Initramfs unpacking failed: invalid magic at start of compressed archive',
    '[    2.9] Initramfs unpacking failed: junk within compressed archive',
    '[    0.0] Command line: root=LABEL=x panic=-1',
    'Welcome to GNU GRUB!',
    'Loading initial ramdisk ...',
    'BdsDxe: loading Boot0001 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x3,0x0)',
    '[  OK  ] Stopped emergency.service - Emergency Shell.',
    'cfd login:',
  ])('%j is none', (line) => {
    expect(troubleIn(line)).toBeUndefined();
  });
});
