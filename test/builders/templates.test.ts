/** Filling templates: nothing gets in unquoted, and nothing is left out in silence. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { shell, xml } from '../../builders/backends/quote.ts';
import { fill, templateText } from '../../builders/templates.ts';

describe('fill', () => {
  it('quotes every value for its format', () => {
    const template = '{{a}}{{#each list}}-{{this}}{{/each}}{{#if b}}+{{c.d}}{{/if}}';
    const data = { a: `'`, list: ['<', '>'], b: true, c: { d: '&' } };
    expect(fill(template, shell, data)).toBe(`''\\'''-'<'-'>'+'&'`);
    expect(fill(template, xml, data)).toBe('&apos;-&lt;-&gt;+&amp;');
  });

  it.each(['{{{a}}}', '{{&a}}', '{{helper a}}', 'x\n{{lookup a b}}'])('refuses %j', (template) => {
    expect(() => fill(template, shell, { a: 'x', b: 'y' })).toThrow(/only \{\{value\}\} may stand/);
  });

  it.each(['{{missing}}', '{{a.missing}}', '{{#if missing}}x{{/if}}', '{{constructor}}'])(
    'misses the value of %j',
    (template) => {
      expect(() => fill(template, shell, { a: {} })).toThrow(/missing|not defined|constructor/);
    },
  );

  it('refuses what the format cannot hold', () => {
    expect(() => fill('{{a}}', xml, { a: '\0' })).toThrow(/BUILD401/);
  });

  it('takes no template out of a value', () => {
    expect(fill('{{a}}', xml, { a: '{{b}} {{{b}}}', b: 'x' })).toBe('{{b}} {{{b}}}');
  });
});

describe('the templates', () => {
  it('are found from the sources', () => {
    expect(templateText('guest/report.sh')).toMatch(/^#!\/bin\/sh\n/);
  });

  it('are found from the bundled program', async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const out = mkdtempSync(join(root, 'dist', 'test-'));
    try {
      const outfile = join(out, 'chunk.mjs');
      await build({
        entryPoints: [join(root, 'builders/templates.ts')],
        ...{ outfile, bundle: true, format: 'esm', platform: 'node', packages: 'external' },
        logLevel: 'error',
      });
      const bundled = (await import(pathToFileURL(outfile).href)) as {
        templateText: typeof templateText;
      };
      expect(bundled.templateText('guest/report.sh')).toBe(templateText('guest/report.sh'));
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  });
});
