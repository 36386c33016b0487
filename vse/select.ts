/**
 * The `remove`, `exclude` and `protect` blocks name things without giving values: by option paths,
 * `[hostname, kernel.cmdline.quiet]`, or in the form of the options, `kernel: {cmdline: [quiet]}`.
 */
import type { Findings } from './findings.ts';
import type { ExcludeStatement, SelectStatement } from './layer.ts';
import { problemsOf } from './leaves.ts';
import { PACKAGE } from './names.ts';
import { suggestion } from './nearest.ts';
import { describe, shorten } from './node.ts';
import type { Node, ScalarNode } from './node.ts';
import { pathHint, readPath } from './option-path.ts';
import { OPTIONS } from './options.ts';
import type { KeyRule, Path, Shape, Surroundings } from './shape.ts';
import { showPath } from './shape.ts';

type Verb = 'remove' | 'protect';

export function readSelection(
  verb: Verb,
  block: Node,
  surroundings: Surroundings,
  findings: Findings,
): SelectStatement[] {
  const statements: SelectStatement[] = [];

  const select = (paths: readonly Path[], node: { readonly span: Node['span'] }): void => {
    statements.push({ type: 'select', verb, paths, span: node.span });
  };

  function named(rule: KeyRule, node: ScalarNode, path: Path): void {
    const name = rule.read(node.text);
    if ('value' in name) return select([[...path, name.value]], node);
    for (const problem of problemsOf(name))
      findings.error(problem.code, problem.message, { span: node.span, hint: problem.hint });
  }

  function item(shape: Shape, node: Node, path: Path): void {
    if (node.kind !== 'scalar' || node.value === null) {
      findings.error('VSE021', `A name is expected here, not ${describe(node)}`, {
        span: node.span,
      });
    } else if (shape.kind === 'record') {
      named(shape.key, node, path);
    } else if (shape.kind === 'packages') {
      named(PACKAGE, node, path);
    } else if (shape.kind === 'set') {
      const read = shape.item.read(node, surroundings);
      select([[...path, 'value' in read ? String(read.value) : node.text]], node);
    } else {
      const paths = readPath(shape, node.text).map((rest) => [...path, ...rest]);
      if (paths.length > 0) select(paths, node);
      else
        findings.error('VSE020', `'${shorten(node.text)}' is not an option`, {
          span: node.span,
          hint: pathHint(shape, node.text),
        });
    }
  }

  function below(shape: Shape, node: Node, path: Path): void {
    if (findings.full) return;
    if (node.kind === 'scalar' && path.length > 0 && (node.value === null || node.value === true))
      return select([path], node);
    if (node.kind === 'list' && shape.kind !== 'leaf')
      return node.items.forEach((child) => item(shape, child, path));
    if (node.kind !== 'map' || (shape.kind !== 'struct' && shape.kind !== 'record')) {
      findings.error(
        'VSE021',
        `The ${verb} block names things; ${describe(node)} cannot stand here`,
        {
          span: node.span,
          hint:
            shape.kind === 'leaf'
              ? `Write '${showPath(path)}: true', or its path as a list item.`
              : "Give a list of names, as in 'packages: [nano]'.",
        },
      );
      return;
    }
    for (const { key, keySpan, value } of node.entries) {
      const field =
        shape.kind === 'record'
          ? shape.of
          : Object.hasOwn(shape.fields, key)
            ? shape.fields[key]
            : undefined;
      const name = shape.kind === 'record' ? shape.key.read(key) : { value: key };
      for (const problem of problemsOf(name))
        findings.error(problem.code, problem.message, { span: keySpan, hint: problem.hint });
      if (!field) {
        const known = shape.kind === 'struct' ? Object.keys(shape.fields) : [];
        findings.error('VSE020', `Unknown key '${shorten(key)}'`, {
          span: keySpan,
          hint: suggestion(key, known),
        });
      } else if ('value' in name) below(field, value, [...path, name.value]);
    }
  }

  below(OPTIONS, block, []);
  return statements;
}

export function readExclusions(block: Node, findings: Findings): ExcludeStatement[] {
  if (block.kind === 'scalar' && block.value === null) return [];
  if (block.kind !== 'map') {
    findings.error('VSE021', `A mapping is expected here, not ${describe(block)}`, {
      span: block.span,
      hint: "Exclusions are of packages: 'exclude: {packages: [exim4-base]}'.",
    });
    return [];
  }
  const statements: ExcludeStatement[] = [];
  for (const { key, keySpan, value } of block.entries) {
    if (key !== 'packages') {
      findings.error('VSE020', `Unknown key '${shorten(key)}': only packages can be excluded`, {
        span: keySpan,
        hint: Object.hasOwn(OPTIONS.fields, key)
          ? "To take a lower layer's value away, use the remove block."
          : suggestion(key, ['packages']),
      });
    } else if (value.kind !== 'list') {
      findings.error('VSE021', `A list is expected here, not ${describe(value)}`, {
        span: value.span,
      });
    } else {
      for (const item of value.items) {
        const name =
          item.kind === 'scalar' && item.value !== null ? PACKAGE.read(item.text) : undefined;
        if (name && 'value' in name)
          statements.push({ type: 'exclude', name: name.value, span: item.span });
        else if (!name)
          findings.error('VSE021', `A package name is expected here, not ${describe(item)}`, {
            span: item.span,
          });
        else
          for (const problem of problemsOf(name))
            findings.error(problem.code, problem.message, { span: item.span, hint: problem.hint });
      }
    }
  }
  return statements;
}
