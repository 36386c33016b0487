/** Licences: Debian's machine-readable copyright files as SPDX expressions. */
import parse from 'spdx-expression-parse';
import { describe, expect, test } from 'vitest';
import { declaredLicence } from '../../builders/sbom/licence.ts';

const HEADER = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n';

/** The licence of a file that has one paragraph for each specification. */
function declared(...specifications: string[]): string | undefined {
  const paragraphs = specifications.map(
    (specification, i) => `\nFiles: ${i}/*\nCopyright: somebody\nLicense: ${specification}\n`,
  );
  return declaredLicence(HEADER + paragraphs.join(''), '/usr/share/doc/x/copyright')?.expression;
}

describe('names', () => {
  test.each([
    ['Expat', 'MIT'],
    ['GPL-2', 'GPL-2.0-only'],
    ['GPL-2+', 'GPL-2.0-or-later'],
    ['GPL-2.0+', 'GPL-2.0-or-later'],
    ['LGPL-2.1+', 'LGPL-2.1-or-later'],
    ['AGPL-3', 'AGPL-3.0-only'],
    ['GFDL-1.3+', 'GFDL-1.3-or-later'],
    ['GFDL-NIV-1.3+', 'GFDL-1.3-no-invariants-or-later'],
    ['BSD-3-clause', 'BSD-3-Clause'],
    ['Apache-2.0', 'Apache-2.0'],
    ['zlib', 'Zlib'],
    ['CC0', 'CC0-1.0'],
    ['GPL-2 with Linux-syscall-note exception', 'GPL-2.0-only WITH Linux-syscall-note'],
  ])('%s is %s', (name, expected) => {
    expect(declared(name)).toBe(expected);
    expect(() => parse(expected)).not.toThrow();
  });

  test.each(['GPL', 'public-domain', 'LGPL-9', 'GPL-3+ with Autoconf exception', 'MIT/X11'])(
    '%s has no identifier and becomes a reference',
    (name) => {
      expect(declared(name)).toMatch(/^LicenseRef-[A-Za-z0-9.-]+-[0-9a-f]{8}$/);
    },
  );
});

describe('and, or, and commas', () => {
  test.each([
    ['GPL-1+ or Artistic', '(GPL-1.0-or-later OR Artistic-1.0)'],
    ['GPL-3+ and ISC', 'GPL-3.0-or-later AND ISC'],
    ['GPL-1+ or Artistic, and Expat', '(GPL-1.0-or-later OR Artistic-1.0) AND MIT'],
    ['ISC and Expat or Zlib', '(ISC AND MIT OR Zlib)'],
    ['ISC or Zlib, or Expat and CC0', '((ISC OR Zlib) OR MIT AND CC0-1.0)'],
  ])('%s', (specification, expected) => {
    expect(declared(specification)).toBe(expected);
    expect(() => parse(expected)).not.toThrow();
  });

  test('licences of several files all hold, each named once', () => {
    expect(declared('ISC', 'Expat', 'ISC and Zlib')).toBe('ISC AND MIT AND Zlib');
  });
});

describe('texts', () => {
  const other = (text: string) => declaredLicence(text, '/usr/share/doc/x/copyright')?.others[0];

  test('a text of its own goes along, wherever the file has it', () => {
    const inline = `${HEADER}\nFiles: *\nLicense: mine\n Do as you like.\n .\n But thank me.\n`;
    const apart = `${HEADER}\nFiles: *\nLicense: mine\n\nLicense: mine\n Do as you like.\n .\n But thank me.\n`;
    expect(other(inline)?.text).toBe('Do as you like.\n\nBut thank me.');
    expect(other(apart)).toEqual(other(inline));
  });

  test('two licences of one name and different texts are two references', () => {
    const licence = (text: string) => other(`${HEADER}\nFiles: *\nLicense: mine\n ${text}\n`)?.id;
    expect(licence('A')).not.toBe(licence('B'));
  });

  test('a name without text refers to the file', () => {
    expect(other(`${HEADER}\nFiles: *\nLicense: mine\n`)?.text).toBe(
      'See /usr/share/doc/x/copyright',
    );
  });

  test('a file that is not machine-readable says nothing', () => {
    expect(declaredLicence('This is free software.\nLicense: GPL-2\n', '/x')).toBeUndefined();
    expect(declaredLicence('', '/x')).toBeUndefined();
    expect(declaredLicence(`${HEADER}\nFiles: *\nCopyright: me\n`, '/x')).toBeUndefined();
  });
});
