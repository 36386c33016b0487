/** How a value is written in each text format that glue comes in. */
import { misuse } from '../../vse/diagnostic.ts';
import type { VsecError } from '../../vse/diagnostic.ts';

export interface Format {
  /** As it appears in messages: `a shell script`. */
  readonly name: string;
  /** The value in this format, delimiters included where it has some. */
  quote(value: string): string;
}

function refusal(format: string, value: string, culprit: string): VsecError {
  const code = culprit.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  return misuse('BUILD401', `${JSON.stringify(value)} cannot be written in ${format}`, {
    notes: [{ message: `character U+${code} has no place there` }],
    hint: 'give the environment a name, and its files names, of printable characters',
  });
}

function refuse(format: string, value: string, pattern: RegExp): void {
  const found = pattern.exec(value);
  if (found) throw refusal(format, value, found[0]);
}

// A line break could be quoted, but not in a comment; a lone surrogate is no text at all.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\p{Surrogate}]/u;

/** POSIX shell: one word in single quotes, in which nothing but the quote itself is special. */
export const shell: Format = {
  name: 'a shell script',
  quote(value) {
    refuse(shell.name, value, CONTROL);
    return `'${value.replaceAll("'", `'\\''`)}'`;
  },
};

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** XML 1.0: character data or an attribute's value, whichever quotes it stands in. */
export const xml: Format = {
  name: 'an XML document',
  quote(value) {
    refuse(xml.name, value, CONTROL);
    refuse(xml.name, value, /[\uFFFE\uFFFF]/);
    return value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
  },
};

/** A value inside one of QEMU's `key=value,…` options, where a comma is doubled. */
export function qemuValue(value: string): string {
  return value.replaceAll(',', ',,');
}

/**
 * Kernel arguments as one string. The kernel knows double quotes around a value and no escape, so
 * an argument with a quote of its own is refused (Documentation/admin-guide/kernel-parameters).
 */
export function kernelCommandLine(args: readonly string[]): string {
  return args
    .map((arg) => {
      refuse('a kernel command line', arg, CONTROL);
      if (!/\s/.test(arg)) return arg;
      const [key = '', ...rest] = arg.split('=');
      const value = rest.join('=').replace(/^"(.*)"$/, '$1');
      refuse('a kernel command line', key, /[\s"]/);
      refuse('a kernel command line', value, /"/);
      return `${key}="${value}"`;
    })
    .join(' ');
}

/**
 * GRUB 2's configuration: one word, in single quotes where it needs them (GRUB manual, "Quoting").
 * pygrub, which reads the same file, knows no quotes in arguments, and wants them around a title.
 */
export const grub: Format = {
  name: 'a GRUB configuration',
  quote(value) {
    refuse(grub.name, value, CONTROL);
    if (/^[\w/.,:=+@%-]+$/.test(value)) return value;
    return `'${value.replaceAll("'", `'\\''`)}'`;
  },
};

/**
 * xl.cfg(5): a number, or a string in double quotes. libxlutil, which reads it, takes back a backslash before a
 * quote or a backslash; its numeric escapes do not work.
 */
export const xl: Format = {
  name: 'an xl configuration',
  quote(value) {
    if (/^\d{1,18}$/.test(value)) return value;
    refuse(xl.name, value, CONTROL);
    return `"${value.replace(/[\\"]/g, '\\$&')}"`;
  },
};

/** GRUB legacy's menu: the rest of a line, in which only a space before a path's end is special. */
export const grubLegacy: Format = {
  name: 'a GRUB legacy menu',
  quote(value) {
    refuse(grubLegacy.name, value, CONTROL);
    return value;
  },
};

/**
 * xen.cfg, which xen.efi reads (docs/misc/efi.pandoc of Xen): the rest of a line in ASCII. A `#`
 * starts a comment wherever it stands.
 */
export const xenEfi: Format = {
  name: 'a xen.cfg',
  quote(value) {
    refuse(xenEfi.name, value, /[^\x20-\x7e]|#/);
    return value;
  },
};

/** The name of a file that ends at the first space. */
export function spaceless(format: Format, value: string): string {
  refuse(format.name, value, /\s/);
  return value;
}

/**
 * VMware's configuration, between double quotes: `|` and two hexadecimal digits stand for a
 * character that may not stand for itself.
 */
export const vmx: Format = {
  name: 'a .vmx file',
  quote(value) {
    refuse(vmx.name, value, CONTROL);
    const hex = (character: string): string =>
      `|${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
    return value.replace(/["#|]/g, hex);
  },
};

/**
 * iPXE's scripts: words between blanks. There are no quotes, and what starts a setting, a comment
 * or another command cannot be written (ipxe.org/scripting).
 */
export const ipxe: Format = {
  name: 'an iPXE script',
  quote(value) {
    refuse(ipxe.name, value, CONTROL);
    refuse(ipxe.name, value, /[$#&|;\\"']/);
    return value;
  },
};

/** A word that is the same in an address (RFC 3986), on a kernel's command line and in a shell. */
export const plainWord: Format = {
  name: 'an address that nodes fetch from',
  quote(value) {
    refuse(plainWord.name, value, /[^A-Za-z0-9._+~-]/u);
    return value;
  },
};
