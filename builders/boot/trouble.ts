/** Lines of a console after which no guest comes up any more. */

export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

interface Sign extends Trouble {
  /** Matched against whole lines and against the line that is being written. */
  readonly pattern: RegExp;
}

const NO_ROOT = {
  code: 'BOOT021',
  message: 'the initrd found no root file system and waits in its shell',
  hint: "does the initrd have the disk's driver, and does root= name the image's file system?",
};
const NO_LOADER = {
  code: 'BOOT024',
  message: 'the firmware found nothing to boot on the disk',
  hint: 'try another --firmware; if none works, the image has no boot loader',
};

const SIGNS: readonly Sign[] = [
  {
    pattern: /Kernel panic - not syncing: (.*?)(?: \]---)?$/,
    code: 'BOOT020',
    message: 'the kernel panicked: $1',
    hint: 'too little memory, a missing driver in the initrd and a wrong root= end like this',
  },
  {
    // What it says of zeroes and the like after the last archive does no harm.
    pattern: /Initramfs unpacking failed: (?!invalid magic|junk)(.*)$/,
    code: 'BOOT025',
    message: 'the kernel could not unpack its initrd: $1',
    hint: 'the guest has too little memory for it, or something wrote over it before the kernel ran',
  },
  { pattern: /^\(initramfs\)/, ...NO_ROOT },
  { pattern: /Dropping to a shell!/, ...NO_ROOT },
  {
    pattern: /You are in (emergency|rescue) mode/,
    code: 'BOOT022',
    message: 'systemd stopped in its $1 mode',
    hint: 'something that local-fs.target needs failed; the console above says what',
  },
  {
    pattern: /^grub(?: rescue)?>/,
    code: 'BOOT023',
    message: 'GRUB started, but found no boot menu',
    hint: 'the file system with the label that GRUB searches for is not on the disk',
  },
  {
    // A GRUB that runs in a para-virtual guest looks for a file of that kind first, and says so.
    pattern: /^error: .*(you need to load the kernel first|no such device: (?!\/).*)/,
    code: 'BOOT023',
    message: 'GRUB could not load the kernel: $1',
    hint: 'the boot menu names a kernel or a file system that is not on the disk',
  },
  { pattern: /^(?:No bootable device|Boot failed: not a bootable disk)/, ...NO_LOADER },
  { pattern: /^BdsDxe: No bootable option or device was found/, ...NO_LOADER },
  { pattern: /^(?:Shell>|>>Start PXE over)/, ...NO_LOADER },
];

/** The trouble that a line tells of, if it does. */
export function troubleIn(line: string): Trouble | undefined {
  for (const { pattern, code, message, hint } of SIGNS) {
    const match = pattern.exec(line);
    if (match) return { code, message: message.replace('$1', match[1] ?? ''), hint };
  }
  return undefined;
}
