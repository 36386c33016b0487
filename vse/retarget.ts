/** An environment for another architecture than its layers say, as one more layer on top of them. */
import type { Cell } from './cells.ts';
import type { Span } from './diagnostic.ts';
import type { Layer, SetStatement } from './layer.ts';

/** Debian ends the names of kernels and hypervisors with their architecture. */
const NAMED_AFTER_IT = [
  ['kernel', 'package'],
  ['hypervisor', 'package'],
];

/**
 * Overrides the architecture, and what is named after it: `linux-image-amd64` becomes
 * `linux-image-arm64`. Undefined where the options are for that architecture already.
 */
export function retargeting(options: Cell, architecture: string): Layer | undefined {
  const textAt = (path: readonly string[]): string => {
    const content = options.at(path)?.held?.content;
    return content?.type === 'value' ? String(content.value) : '';
  };
  const own = textAt(['distribution', 'architecture']);
  if (own === '' || own === architecture) return undefined;
  const text = `--arch ${architecture}`;
  const span: Span = { file: text, line: 1, column: 1, endColumn: text.length + 1, text };
  const set = (path: readonly string[], value: string): SetStatement => ({
    ...{ type: 'set', verb: 'override', path, value, text: value, span },
  });
  const named = NAMED_AFTER_IT.filter((path) => textAt(path).endsWith(`-${own}`));
  return {
    ...{ name: 'the command line', file: text, sha256: '', extends: [], span },
    statements: [
      set(['distribution', 'architecture'], architecture),
      ...named.map((path) => set(path, textAt(path).slice(0, -own.length) + architecture)),
    ],
  };
}
