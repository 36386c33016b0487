/**
 * The rules for names of the author's choosing. Names end up in scripts, in boot loaders'
 * configuration and in XML, so each rule lists what is allowed and everything else is refused.
 */
import { problem } from './leaves.ts';
import { shorten } from './node.ts';
import { readPackageName } from './relation.ts';
import type { KeyRule } from './shape.ts';

/** A rule that is one regular expression and nothing else. */
function rule(
  what: string,
  pattern: string,
  hint: string,
  canonical: (t: string) => string = (t) => t,
): KeyRule {
  const matcher = new RegExp(pattern, 'u');
  return {
    expects: what,
    pattern,
    read: (text) =>
      matcher.test(text)
        ? { value: canonical(text) }
        : problem('VSE031', `'${shorten(text)}' cannot be ${what}`, hint),
  };
}

export const VSE_NAME = rule(
  'the name of an environment',
  '^[a-z0-9][a-z0-9.-]{0,62}$',
  'Lower-case letters, digits, dots and dashes, beginning with a letter or digit.',
);
export const REPOSITORY_NAME = rule(
  'the name of a repository',
  '^[a-z0-9][a-z0-9.-]{0,62}$',
  'Lower-case letters, digits, dots and dashes.',
);
export const USER_NAME = rule(
  'the name of a user',
  '^[a-z_][a-z0-9_-]{0,31}$',
  'Lower-case letters, digits, _ and -, beginning with a letter or _, at most 32.',
);
export const GROUP_NAME = rule(
  'the name of a group',
  '^[a-z_][a-z0-9_-]{0,31}$',
  'Lower-case letters, digits, _ and -, beginning with a letter or _, at most 32.',
);
/** `ssh` and `ssh.service` are one unit. */
export const UNIT_NAME = rule(
  'the name of a unit',
  '^[A-Za-z0-9][A-Za-z0-9:_.@-]{0,127}$',
  "A systemd unit, as in 'ssh' or 'fstrim.timer'.",
  (text) => text.replace(/\.service$/, ''),
);
export const SCRIPT_NAME = rule(
  'the name of a script',
  '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
  'Letters, digits, dot, _ and -, beginning with a letter or digit.',
);
export const CMDLINE_KEY = rule(
  'the name of a kernel parameter',
  '^[A-Za-z0-9_][A-Za-z0-9_.:,-]{0,127}$',
  'Letters, digits and _ . : , - only; what follows the = is the value.',
);
export const INTERFACE_NAME = rule(
  'the name of an interface',
  '^[A-Za-z0-9_*?][A-Za-z0-9_.*?-]{0,14}$',
  "A name or a pattern of at most 15 characters, as in 'eth0' or 'en*'.",
);

/** File systems that exist only while the system runs: what is put below is never seen. */
const VOLATILE = ['/dev', '/proc', '/run', '/sys'];

/** A path in the image: absolute, normalised, without surprises. */
export const FILE_PATH: KeyRule = {
  expects: 'an absolute path in the image',
  pattern: '^(/(?!\\.{1,2}(/|$))[^/\\u0000-\\u001f\\u007f]+)+$',
  read(text) {
    const refuse = (why: string, hint?: string) =>
      problem('VSE032', `'${shorten(text)}' cannot be a file of the image: ${why}`, hint);
    if (/[\0-\x1f\x7f]/.test(text)) return refuse('it holds a control character');
    if (/\p{Surrogate}/u.test(text)) return refuse('it is not valid Unicode');
    if (!text.startsWith('/')) return refuse('it is not absolute', `Did you mean '/${text}'?`);
    const parts = text.slice(1).split('/');
    if (parts.includes('..')) return refuse("'..' may lead out of the tree");
    if (parts.includes('.') || parts.includes(''))
      return refuse('it is not normalised', `Did you mean '${normal(parts)}'?`);
    if (Buffer.byteLength(text) > 4095 || parts.some((part) => Buffer.byteLength(part) > 255))
      return refuse('it is too long for a file system');
    if (VOLATILE.some((top) => text === top || text.startsWith(`${top}/`)))
      return refuse(
        `/${parts[0]} is filled anew at every boot`,
        parts[0] === 'run' ? 'Describe it to systemd-tmpfiles in /etc/tmpfiles.d.' : undefined,
      );
    return { value: text };
  },
};

const normal = (parts: readonly string[]): string =>
  `/${parts.filter((part) => part !== '' && part !== '.').join('/')}`;

/** A package by name alone, as `remove`, `exclude` and `protect` take it. */
export const PACKAGE: KeyRule = {
  expects: 'the name of a package',
  pattern: '^[a-z0-9][a-z0-9+.-]+(:[a-z0-9][a-z0-9-]*)?$',
  read(text) {
    const paren = text.indexOf('(');
    if (paren > 0)
      return problem(
        'VSE025',
        'The name alone is expected here, without a relation',
        `Write '${text.slice(0, paren).trim()}'.`,
      );
    const [name = '', architecture] = text.split(':', 2);
    const read = readPackageName(name);
    if (!('value' in read) || architecture === undefined) return read;
    return /^[a-z0-9][a-z0-9-]*$/.test(architecture)
      ? { value: text }
      : problem('VSE025', `':${architecture}' is not an architecture`);
  },
};
