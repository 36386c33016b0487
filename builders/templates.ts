/**
 * Texts from `templates/`, filled so that every value is quoted for the format it lands in.
 *
 * A template says `{{name}}` and never how to quote it: the format given to `render` does that to
 * each expression. `{{{name}}}`, which Handlebars leaves unquoted, is refused.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Handlebars from 'handlebars';
import type { Format } from './backends/quote.ts';

/** What a template may be given: everything that it names must be there. */
export interface TemplateData {
  readonly [key: string]: string | number | boolean | null | TemplateData | readonly TemplateItem[];
}
type TemplateItem = string | number | TemplateData;

/** The sources and the bundled program in `dist/` lie at different depths below the templates. */
function templatesFolder(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const folder = join(dir, 'templates');
    if (existsSync(join(dir, 'package.json')) && existsSync(folder)) return folder;
    if (dirname(dir) === dir) throw new Error(`no templates above ${import.meta.url}`);
  }
}

/** The text of `templates/<name>`, as it is. */
export function templateText(name: string): string {
  return readFileSync(join(templatesFolder(), name), 'utf8');
}

class QuoteEverything extends Handlebars.Visitor {
  override MustacheStatement(statement: hbs.AST.MustacheStatement): void {
    if (!statement.escaped || statement.params.length > 0)
      throw new Error(`line ${statement.loc.start.line}: only {{value}} may stand in a template`);
    statement.params = [statement.path as hbs.AST.Expression];
    statement.path = Object.assign({}, statement.path, {
      type: 'PathExpression',
      original: 'quoted',
      parts: ['quoted'],
      depth: 0,
      data: false,
    }) as hbs.AST.PathExpression;
  }
}

function text(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new Error(
    `the template names a value that is ${value === undefined ? 'missing' : 'no text'}`,
  );
}

/** Handlebars is strict about values that stand alone, but not about those given to a helper. */
function insist(handlebars: typeof Handlebars, name: string): void {
  const helper = handlebars.helpers[name] as Handlebars.HelperDelegate;
  handlebars.registerHelper(name, function (this: unknown, value: unknown, options: unknown) {
    if (value === undefined)
      throw new Error(`the template asks ${name} of a value that is missing`);
    return helper.call(this, value, options) as unknown;
  });
}

/**
 * Fills a template's text. A value that `format` cannot express is a `VsecError` (BUILD401);
 * a value that the template names and `data` lacks is a mistake of ours and a plain error.
 */
export function fill(template: string, format: Format, data: TemplateData): string {
  const known = compiled.get(format)?.get(template);
  if (known) return known(data);
  const filled = compile(template, format);
  compiled.set(format, new Map([...(compiled.get(format) ?? []), [template, filled]]));
  return filled(data);
}

/** A handful of texts, each filled again and again. */
const compiled = new Map<Format, ReadonlyMap<string, Handlebars.TemplateDelegate>>();

function compile(template: string, format: Format): Handlebars.TemplateDelegate {
  const handlebars = Handlebars.create();
  handlebars.registerHelper('quoted', (value: unknown) => format.quote(text(value)));
  for (const name of ['if', 'unless', 'each']) insist(handlebars, name);
  const program = handlebars.parse(template);
  new QuoteEverything().accept(program);
  return handlebars.compile(program, {
    strict: true,
    noEscape: true,
    preventIndent: true,
    knownHelpersOnly: true,
    knownHelpers: { quoted: true },
  });
}

/** Fills `templates/<name>`; see `fill`. */
export const render = (name: string, format: Format, data: TemplateData): string =>
  fill(templateText(name), format, data);
