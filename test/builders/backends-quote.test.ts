/** Quoting, asked of the programs that read the formats. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kernelCommandLine, qemuValue, shell, xml } from '../../builders/backends/quote.ts';
import { installed } from './support/programs.ts';

const printable = fc
  .string({ unit: 'grapheme' })
  .filter((text) => !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text));
const FEW = { numRuns: 40 };

describe('shell', () => {
  it('gives sh back the very word', () => {
    fc.assert(
      fc.property(printable, (text) => {
        const word = execFileSync('sh', ['-c', `printf %s ${shell.quote(text)}`]);
        expect(word.toString('utf8')).toBe(text);
      }),
      FEW,
    );
  });

  it('stays one line, so that a comment is safe too', () => {
    expect(() => shell.quote('a\nrm -rf /')).toThrow(
      /"a\\nrm -rf \/" cannot be written in a shell script/,
    );
  });
});

describe('xml', () => {
  it.skipIf(!installed('xmllint'))('gives a parser back the very text and attribute', () => {
    fc.assert(
      fc.property(printable, (text) => {
        const document = `<a b="${xml.quote(text)}">${xml.quote(text)}</a>`;
        for (const path of ['/a', '/a/@b']) {
          const read = execFileSync(
            'xmllint',
            ['--encode', 'UTF-8', '--xpath', `string(${path})`, '-'],
            {
              input: document,
              encoding: 'utf8',
            },
          );
          expect(read.replace(/\n$/, '')).toBe(text);
        }
      }),
      { numRuns: 15 },
    );
  });

  it.each(['\0', '\u0008', '\uFFFE', '\uD800', 'a\nb'])('refuses %j', (text) => {
    expect(() => xml.quote(text)).toThrow(/BUILD401/);
  });
});

describe('kernel arguments', () => {
  it.each([
    [['quiet', 'root=LABEL=x'], 'quiet root=LABEL=x'],
    [['a=b c'], 'a="b c"'],
    [['a="b c"'], 'a="b c"'],
    [['dyndbg=file x +p=y'], 'dyndbg="file x +p=y"'],
  ])('%j', (args, expected) => {
    expect(kernelCommandLine(args)).toBe(expected);
  });

  it.each(['two words', 'a="b" "c"', 'a=b\nc'])('refuses %j', (arg) => {
    expect(() => kernelCommandLine([arg])).toThrow(/BUILD401/);
  });
});

it("doubles the commas of QEMU's options", () => {
  expect(qemuValue('/a,b/c,,d')).toBe('/a,,b/c,,,,d');
});
