/** The kinds of single values, each with its check and its JSON Schema. */
import { isAbsolute, resolve } from 'node:path';
import { suggestion } from './nearest.ts';
import { describe, shorten } from './node.ts';
import type { Node, ScalarNode } from './node.ts';
import { problemsOf } from './shape.ts';
import type { JsonSchema, Leaf, Reading, Surroundings, Value } from './shape.ts';
import { SIZE_PATTERN, readSize, showSize } from './size.ts';

export function problem(code: string, message: string, hint?: string, node?: Node): Reading<never> {
  return {
    problem: { code, message, ...(hint !== undefined && { hint }), ...(node && { node }) },
  };
}

export const wrongType = (expects: string, node: Node, hint?: string): Reading<never> =>
  problem('VSE021', `${capital(expects)} is expected here, not ${describe(node)}`, hint, node);

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

interface LeafOptions {
  readonly doc: string;
  readonly expects: string;
  readonly schema?: JsonSchema;
  readonly examples?: readonly Value[];
  readonly default?: Value;
}

/** A leaf that is one scalar; `check` sees the text as it was written. */
function scalar(
  options: LeafOptions,
  accepts: (node: ScalarNode) => boolean,
  check: (text: string, surroundings: Surroundings) => Reading<Value>,
  write?: (value: Value) => Value,
): Leaf {
  const { doc, expects, schema, examples } = options;
  return {
    kind: 'leaf',
    doc,
    expects,
    schema: { ...schema, ...(examples && { examples }) },
    read: (node, surroundings) =>
      node.kind === 'scalar' && accepts(node)
        ? check(node.text, surroundings)
        : wrongType(expects, node),
    ...(options.default !== undefined && { default: options.default }),
    ...(write && { write }),
  };
}

const isText = (node: ScalarNode): boolean => typeof node.value === 'string';
/** Also what YAML takes for a number, as it was written: versions, modes. */
const isWritten = (node: ScalarNode): boolean => isText(node) || typeof node.value === 'number';

interface TextOptions extends LeafOptions {
  readonly pattern?: string;
  readonly hint?: string;
  readonly code?: string;
  /** Lets `2.10` or `0755` stand without quotes. */
  readonly numbers?: boolean;
}

/** Text that matches `pattern` as a whole. */
export function text(options: TextOptions): Leaf {
  const { pattern, code = 'VSE024', hint, expects, numbers } = options;
  const matcher = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  const schema = {
    type: numbers ? ['string', 'number'] : 'string',
    ...(pattern !== undefined && { pattern }),
    ...options.schema,
  };
  return scalar({ ...options, schema }, numbers ? isWritten : isText, (value) => {
    if (/\0|\p{Surrogate}/u.test(value))
      return problem('VSE024', 'A NUL character or half a surrogate pair cannot stand here');
    return !matcher || matcher.test(value)
      ? { value }
      : problem(code, `'${shorten(value)}' is not ${expects}`, hint);
  });
}

/** One of a few words. */
export function choice(options: LeafOptions & { readonly of: readonly string[] }): Leaf {
  const schema = { enum: options.of };
  return scalar({ ...options, schema }, isText, (value) =>
    options.of.includes(value)
      ? { value }
      : problem(
          'VSE024',
          `'${shorten(value)}' is not ${options.expects}`,
          suggestion(value, options.of),
        ),
  );
}

export function boolean(doc: string, otherwise: boolean): Leaf {
  const expects = 'true or false';
  return {
    kind: 'leaf',
    doc,
    default: otherwise,
    expects,
    schema: { type: 'boolean' },
    read(node) {
      if (node.kind !== 'scalar') return wrongType(expects, node);
      if (typeof node.value === 'boolean') return { value: node.value };
      const meant =
        /^(yes|on|y)$/i.test(node.text) || (/^(no|off|n)$/i.test(node.text) ? false : undefined);
      return wrongType(expects, node, meant === undefined ? undefined : `Did you mean '${meant}'?`);
    },
  };
}

interface IntegerOptions extends LeafOptions {
  readonly min: number;
  readonly max: number;
  readonly code?: string;
  readonly refuse?: Readonly<Record<number, string>>;
}

export function integer(options: IntegerOptions): Leaf {
  const { min, max, code = 'VSE024' } = options;
  const schema = { type: 'integer', minimum: min, maximum: max };
  return scalar({ ...options, schema }, isWritten, (written) => {
    const value = /^-?(0|[1-9]\d*)$/.test(written) ? Number(written) : NaN;
    if (!(value >= min && value <= max))
      return problem(code, `'${shorten(written)}' is not ${options.expects}`);
    const reason = options.refuse?.[value];
    return reason === undefined ? { value } : problem(code, `${value} ${reason}`);
  });
}

/** A user or group number. */
export const id = (doc: string): Leaf =>
  integer({
    doc,
    expects: 'a whole number from 0 to 4294967294',
    min: 0,
    max: 4294967294,
    code: 'VSE030',
    refuse: { 65535: 'is reserved: 16-bit interfaces take it for "none"' },
    examples: [2000],
  });

/** A size in bytes, or one of `words`. At least `min` bytes. */
export function size(
  options: Omit<LeafOptions, 'expects'> & {
    readonly min: number;
    readonly words?: readonly string[];
  },
): Leaf {
  const { min, words = [] } = options;
  const expects = ['a size such as 6GiB or 512MiB', ...words.map((w) => `'${w}'`)].join(', or ');
  const pattern = { type: 'string', pattern: SIZE_PATTERN };
  const schema = words.length > 0 ? { anyOf: [{ enum: words }, pattern] } : pattern;
  return scalar(
    { ...options, expects, schema },
    isWritten,
    (written) => {
      if (words.includes(written)) return { value: written };
      const bytes = readSize(written);
      if (bytes === undefined)
        return problem('VSE027', badSize(written, expects), sizeHint(written));
      if (bytes < min)
        return problem('VSE027', `${written} is too small: at least ${showSize(min)} is needed`);
      return { value: bytes };
    },
    (value) => (typeof value === 'number' ? showSize(value) : value),
  );
}

const badSize = (written: string, expects: string): string =>
  `'${shorten(written)}' is not ${expects}`;

function sizeHint(written: string): string {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt])?(i?b?)$/i.exec(written);
  if (!match) return 'Units are B, KiB, MiB, GiB, TiB and kB, MB, GB, TB.';
  if (match[2] === undefined) return `Give the unit: '${match[1]}MiB'?`;
  return `Did you mean '${match[1]}${match[2].toUpperCase()}iB'?`;
}

/** A leaf with a check of its own, which sees numbers as they were written. */
function written(
  options: LeafOptions & { readonly check: (text: string, expects: string) => Reading<Value> },
): Leaf {
  return scalar(options, isWritten, (given) => options.check(given, options.expects));
}

const MODE = '^[0-7]{3,4}$';

/** Permission bits, normalised to four octal digits. */
export const mode = (doc: string): Leaf =>
  written({
    doc,
    expects: 'an octal mode such as "0755"',
    schema: { type: ['string', 'integer'], pattern: MODE },
    examples: ['0755'],
    check: (given, expects) =>
      new RegExp(MODE).test(given)
        ? { value: given.padStart(4, '0') }
        : problem(
            'VSE028',
            `'${shorten(given)}' is not ${expects}`,
            'Three or four octal digits: 0644 for a file, 0755 for a program.',
          ),
  });

const MAC = '^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$';

/** A unicast hardware address, in lower case. */
export const mac = (doc: string): Leaf =>
  written({
    doc,
    expects: 'a MAC address such as 52:54:00:00:00:01',
    schema: { type: 'string', pattern: MAC, examples: ['52:54:00:00:00:01'] },
    check: (given, expects) => {
      if (!new RegExp(MAC).test(given))
        return problem('VSE029', `'${shorten(given)}' is not ${expects}`);
      if (parseInt(given.slice(0, 2), 16) & 1)
        return problem(
          'VSE029',
          `'${given}' is a multicast address: no card can have it`,
          `The first byte must be even: '52${given.slice(2)}'?`,
        );
      return { value: given.toLowerCase() };
    },
  });

/** A file or folder of the host, absolute once read; relative ones start at the layer's folder. */
export const hostPath = (doc: string, examples: readonly string[]): Leaf =>
  scalar(
    { doc, expects: 'the path of a file beside this layer', schema: { type: 'string' }, examples },
    isText,
    (written, { directory }) => {
      if (written === '' || /[\0-\x1f\x7f]/.test(written))
        return problem('VSE032', `'${shorten(written)}' is not a path`);
      return { value: isAbsolute(written) ? resolve(written) : resolve(directory, written) };
    },
  );

/** A list in order, set and replaced as a whole. */
export function list(options: Omit<LeafOptions, 'schema'>, item: Leaf): Leaf {
  return {
    kind: 'leaf',
    doc: options.doc,
    expects: options.expects,
    ...(options.default !== undefined && { default: options.default }),
    schema: {
      type: 'array',
      items: item.schema,
      ...(options.examples && { examples: options.examples }),
    },
    read(node, surroundings) {
      if (node.kind !== 'list') return wrongType(options.expects, node);
      return all(node.items.map((child) => at(child, item.read(child, surroundings))));
    },
  };
}

/** Puts the node's own place on a problem that has none yet. */
export function at<T>(node: Node, reading: Reading<T>): Reading<T> {
  if (!('problem' in reading)) return reading;
  return { problem: { node, ...reading.problem } };
}

/** One reading of many: their values, or all their problems. */
export function all(readings: readonly Reading<Value>[]): Reading<Value> {
  const problems = readings.flatMap(problemsOf);
  if (problems.length > 0) return { problems };
  return { value: readings.map((r) => ('value' in r ? r.value : '')) };
}
