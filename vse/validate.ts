/** Nodes → Layer: checks a document against the language's definition. */
import type { Findings } from './findings.ts';
import type { Layer, Statement } from './layer.ts';
import { text } from './leaves.ts';
import { VSE_NAME } from './names.ts';
import { suggestion } from './nearest.ts';
import { describe, shorten } from './node.ts';
import type { MapEntry, MapNode, Node } from './node.ts';
import { OPTIONS } from './options.ts';
import type { Published } from './published.ts';
import { ValueReader } from './read-values.ts';
import { readExclusions, readSelection } from './select.ts';

/** The number that a layer gives as `vse:`. */
export const LANGUAGE_VERSION = 1;

/** The keys of a layer, in the order in which a person writes them. */
export const LAYER_KEYS = {
  vse: 'Version of the language: 1.',
  name: 'Name of the environment or base.',
  version: 'Version of this layer.',
  description: 'What it is for, in a sentence.',
  extends: 'Lower layers, lowest first: names of bases, ./relative or absolute files.',
  add: 'Gives the environment what it does not have.',
  override: 'Gives another value to what it has.',
  remove: 'Takes away what a lower layer asked for.',
  exclude: 'Packages that may never be in the image, whoever needs them.',
  protect: 'Options that no higher layer may change.',
} as const;

export const VERSION_PATTERN = '^[0-9A-Za-z][0-9A-Za-z.+~-]{0,62}$';

const VERSION = text({
  doc: '',
  expects: 'a version',
  pattern: VERSION_PATTERN,
  hint: 'Letters, digits and . + ~ - only, as in 2.1.0.',
  numbers: true,
});
const DESCRIPTION = text({
  doc: '',
  expects: 'one line of text',
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
});

/** What is known of a layer before its text is looked at. */
export interface LayerFile {
  readonly file: string;
  readonly sha256: string;
  /** Relative paths in the layer start here. */
  readonly directory: string;
  readonly path?: string | undefined;
  readonly published?: Published | undefined;
}

/** The layer, as far as it could be understood; what could not is in `findings`. */
export function validate(root: MapNode, from: LayerFile, findings: Findings): Layer {
  const known = new Map<string, MapEntry>();
  for (const entry of root.entries) {
    if (Object.hasOwn(LAYER_KEYS, entry.key)) known.set(entry.key, entry);
    else unknownKey(entry, findings);
  }
  checkLanguage(known.get('vse'), root, findings);
  const surroundings = { directory: from.directory };
  const one = (key: string, leaf: typeof VERSION): string | undefined => {
    const entry = known.get(key);
    const value = entry && new ValueReader('add', surroundings, findings).leaf(leaf, entry.value);
    return typeof value === 'string' ? value : undefined;
  };
  const version = one('version', VERSION);
  const description = one('description', DESCRIPTION);

  const statements: Statement[] = [];
  const remove = known.get('remove');
  if (remove) statements.push(...readSelection('remove', remove.value, surroundings, findings));
  for (const verb of ['override', 'add'] as const) {
    const block = known.get(verb);
    if (!block) continue;
    const reader = new ValueReader(verb, surroundings, findings);
    reader.read(OPTIONS, block.value, []);
    statements.push(...reader.statements);
  }
  const exclude = known.get('exclude');
  if (exclude) statements.push(...readExclusions(exclude.value, findings));
  const protect = known.get('protect');
  if (protect) statements.push(...readSelection('protect', protect.value, surroundings, findings));

  const name = known.get('name');
  return {
    name: nameOf(name, root, findings),
    ...(version !== undefined && { version }),
    ...(description !== undefined && { description }),
    file: from.file,
    sha256: from.sha256,
    ...(from.path !== undefined && { path: from.path }),
    ...(from.published && { published: from.published }),
    extends: extendsOf(known.get('extends'), findings),
    statements,
    span: name?.value.span ?? root.span,
  };
}

function unknownKey({ key, keySpan }: MapEntry, findings: Findings): void {
  const inBlock = Object.hasOwn(OPTIONS.fields, key);
  findings.error('VSE020', `Unknown key '${shorten(key)}'`, {
    span: keySpan,
    hint: inBlock
      ? `'${key}' is an option: put it into the add block, or override if a lower layer set it.`
      : suggestion(key, Object.keys(LAYER_KEYS)),
  });
}

function checkLanguage(entry: MapEntry | undefined, root: MapNode, findings: Findings): void {
  if (!entry) {
    findings.error('VSE022', "The layer does not say 'vse: 1'", {
      span: root.span,
      hint: `Begin it with 'vse: ${LANGUAGE_VERSION}', the version of the language.`,
    });
  } else if (entry.value.kind !== 'scalar' || entry.value.text !== String(LANGUAGE_VERSION)) {
    const given = entry.value.kind === 'scalar' ? `'${shorten(entry.value.text)}'` : 'this';
    findings.error('VSE023', `${given} is not a version of the language that vsec understands`, {
      span: entry.value.span,
      hint: `This vsec understands 'vse: ${LANGUAGE_VERSION}'.`,
    });
  }
}

function nameOf(entry: MapEntry | undefined, root: MapNode, findings: Findings): string {
  if (!entry) {
    findings.error('VSE022', 'The layer has no name', {
      span: root.span,
      hint: "Give it one, as in 'name: cfd'.",
    });
    return 'unnamed';
  }
  if (entry.value.kind !== 'scalar' || entry.value.value === null) {
    findings.error('VSE021', `A name is expected here, not ${describe(entry.value)}`, {
      span: entry.value.span,
    });
    return 'unnamed';
  }
  return findings.accept(VSE_NAME.read(entry.value.text), entry.value.span) ?? 'unnamed';
}

function extendsOf(entry: MapEntry | undefined, findings: Findings): Layer['extends'] {
  if (!entry) return [];
  const items: readonly Node[] = entry.value.kind === 'list' ? entry.value.items : [entry.value];
  return items.flatMap((item) => {
    if (item.kind === 'scalar' && item.text !== '' && !/[\0-\x1f\x7f]/.test(item.text))
      return [{ text: item.text, span: item.span }];
    findings.error('VSE021', `The name or path of a base is expected here, not ${describe(item)}`, {
      span: item.span,
      hint: "As in 'extends: debian-12' or 'extends: [debian-12, ./site.yaml]'.",
    });
    return [];
  });
}
