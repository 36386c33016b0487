/** The language's definition as a JSON Schema (draft 7, which editors' YAML support speaks). */
import { VSE_NAME, PACKAGE } from './names.ts';
import { OPTIONS } from './options.ts';
import { PACKAGE_NAME } from './relation.ts';
import type { JsonSchema, Leaf, Set_, Shape, Struct, Value } from './shape.ts';
import { LANGUAGE_VERSION, LAYER_KEYS, VERSION_PATTERN } from './validate.ts';

/** The JSON Schema of one layer. */
export function layerSchema(): JsonSchema {
  const doc = (key: keyof typeof LAYER_KEYS): JsonSchema => ({ description: LAYER_KEYS[key] });
  const reference = { type: 'string', minLength: 1 };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A layer of a Virtual System Environment',
    type: 'object',
    required: ['vse', 'name'],
    additionalProperties: false,
    properties: {
      vse: { ...doc('vse'), const: LANGUAGE_VERSION },
      name: { ...doc('name'), type: 'string', pattern: VSE_NAME.pattern, examples: ['cfd'] },
      version: {
        ...doc('version'),
        type: ['string', 'number'],
        pattern: VERSION_PATTERN,
        examples: ['2.1.0'],
      },
      description: { ...doc('description'), type: 'string' },
      extends: {
        ...doc('extends'),
        anyOf: [reference, { type: 'array', items: reference }],
        examples: ['debian-12', ['debian-12-hpc', './site.yaml']],
      },
      add: { ...doc('add'), allOf: [{ $ref: '#/definitions/options' }] },
      override: { ...doc('override'), allOf: [{ $ref: '#/definitions/options' }] },
      remove: { ...doc('remove'), allOf: [{ $ref: '#/definitions/selection' }] },
      exclude: {
        ...doc('exclude'),
        type: ['object', 'null'],
        additionalProperties: false,
        properties: { packages: names(PACKAGE.pattern, 'Packages, by name.') },
      },
      protect: { ...doc('protect'), allOf: [{ $ref: '#/definitions/selection' }] },
    },
    definitions: {
      options: values(OPTIONS),
      selection: { anyOf: [{ type: 'null' }, selection(OPTIONS)] },
    },
  };
}

/** What stands under `add` and `override`. */
function values(shape: Shape): JsonSchema {
  const description = shape.doc && { description: shape.doc };
  switch (shape.kind) {
    case 'leaf':
      return { ...description, ...shape.schema, ...defaultOf(shape) };
    case 'set':
      return { ...description, type: 'array', items: values(shape.item), ...defaultOf(shape) };
    case 'packages':
      return {
        ...description,
        type: 'array',
        items: {
          type: 'string',
          pattern: `^\\s*${PACKAGE_NAME}(:[a-z0-9][a-z0-9-]*)?\\s*(\\((<<|<=|=|>=|>>)?[^()]*\\))?\\s*$`,
        },
        examples: [['gcc', 'python3-numpy (>= 1:1.24)']],
      };
    case 'record':
      return {
        ...description,
        type: ['object', 'null'],
        propertyNames: { pattern: shape.key.pattern },
        additionalProperties: values(shape.of),
      };
    case 'struct':
      return { ...description, ...object(shape, values), ...exclusions(shape) };
  }
}

function defaultOf(shape: Leaf | Set_): JsonSchema {
  if (shape.default === undefined) return {};
  const write = shape.kind === 'leaf' ? shape.write : undefined;
  return { default: write ? write(shape.default as Value) : shape.default };
}

/** What stands under `remove` and `protect`; the whole may be empty, and so may names' entries. */
function selection(shape: Shape, isEntry = false): JsonSchema {
  const whole: JsonSchema =
    shape.kind === 'leaf' || isEntry ? { enum: [true, null] } : { const: true };
  const list = (pattern?: string): JsonSchema => names(pattern, undefined);
  switch (shape.kind) {
    case 'leaf':
      return whole;
    case 'set':
      return { anyOf: [whole, list()] };
    case 'packages':
      return { anyOf: [whole, list(PACKAGE.pattern)] };
    case 'record':
      return {
        anyOf: [
          whole,
          list(shape.key.pattern),
          {
            type: 'object',
            propertyNames: { pattern: shape.key.pattern },
            additionalProperties: selection(shape.of, true),
          },
        ],
      };
    case 'struct':
      return { anyOf: [whole, list(), object(shape, (field) => selection(field))] };
  }
}

function object(shape: Struct, of: (field: Shape) => JsonSchema): JsonSchema {
  return {
    type: ['object', 'null'],
    additionalProperties: false,
    properties: Object.fromEntries(
      Object.entries(shape.fields).map(([key, field]) => [key, of(field)]),
    ),
  };
}

/** Keys that cannot stand beside each other, in pairs. */
function exclusions(shape: Struct): JsonSchema {
  const pairs = (shape.exclusive ?? []).flatMap((group) =>
    group.flatMap((a, i) => group.slice(i + 1).map((b) => ({ not: { required: [a, b] } }))),
  );
  return pairs.length > 0 ? { allOf: pairs } : {};
}

function names(pattern: string | undefined, description: string | undefined): JsonSchema {
  return {
    ...(description !== undefined && { description }),
    type: 'array',
    items: { type: 'string', ...(pattern !== undefined && { pattern }) },
  };
}
