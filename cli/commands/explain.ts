import { misuse } from '../../vse/diagnostic.ts';
import { explainOption, suggestOption, type OptionExplanation } from '../../vse/explain.ts';
import type { Origin } from '../../vse/types.ts';
import { defineCommand } from '../command.ts';
import { ENV, openEnvironment } from '../environment.ts';
import { json } from '../options.ts';
import type { Colors } from '../terminal.ts';

const place = ({ span }: Origin) => `${span.file}:${span.line}:${span.column}`;

const jsonOrigin = (origin: Origin) => ({
  ...{ layer: origin.layer, verb: origin.verb, file: origin.span.file },
  ...{ line: origin.span.line, column: origin.span.column },
  ...(origin.replaced !== undefined && { replaced: origin.replaced }),
});

function originLine(origin: Origin): string {
  const replaced = origin.replaced === undefined ? '' : `, in place of ${origin.replaced}`;
  return `${place(origin)}  ${origin.verb} in ${origin.layer}${replaced}`;
}

function optionText(found: OptionExplanation, c: Colors): string {
  const out = [`${c.bold(found.path)}${found.doc ? `  ${c.dim(found.doc)}` : ''}`];
  if (found.given.length === 0 && found.taken.length === 0) out.push('  no layer gives it');
  for (const { path, value, origins } of found.given) {
    const shown = typeof value === 'string' ? value : JSON.stringify(value);
    const label = path === found.path ? '' : `${path}`;
    out.push(`  ${[label, value === undefined ? '' : shown].filter(Boolean).join(' = ')}`);
    out.push(...origins.toReversed().map((origin) => `    ${originLine(origin)}`));
  }
  for (const { path, origins } of found.taken) {
    out.push(`  ${path} was taken away`);
    out.push(...origins.toReversed().map((origin) => `    ${originLine(origin)}`));
  }
  for (const origin of found.protectedBy) out.push(`  protected: ${originLine(origin)}`);
  return out.join('\n');
}

const optionJson = (found: OptionExplanation) => ({
  ...found,
  given: found.given.map((entry) => ({ ...entry, origins: entry.origins.map(jsonOrigin) })),
  taken: found.taken.map((entry) => ({ ...entry, origins: entry.origins.map(jsonOrigin) })),
  protectedBy: found.protectedBy.map(jsonOrigin),
});

export default defineCommand({
  description: `Says why a value is what it is, or why it is not there: every layer that gave,
    changed or took it, newest first, and those that protect it.`,
  arguments: [ENV, { name: 'PATH', describe: 'an option such as image.size or files./etc/motd' }],
  options: { json },
  examples: [{ command: 'vsec explain cfd.yaml image.size', does: 'who set it, and what it was' }],
  async run({ args: [target = '', what = ''], options, session }) {
    const vse = await openEnvironment(target, session);
    const found = explainOption(vse, what);
    if (!found) {
      throw misuse('CLI008', `There is no option '${what}'`, { hint: suggestOption(vse, what) });
    }
    if (options.json) session.printJson(optionJson(found));
    else session.print(optionText(found, session.colors));
    return 0;
  },
});
