/** A starter layer around a machine that came from elsewhere: what `vsec import` writes. */
import { stringify } from 'yaml';
import { showSize } from './size.ts';
import type { NicConfig } from './types.ts';
import { LANGUAGE_VERSION } from './validate.ts';

export interface MachineLayer {
  /** A valid name of an environment. */
  readonly name: string;
  readonly base: string;
  /** One line: where the machine came from. */
  readonly origin: string;
  readonly machine: {
    /** Bytes. */
    readonly memory?: number;
    readonly vcpus?: number;
    /** Bytes. */
    readonly disk?: number;
    readonly nics: readonly NicConfig[];
  };
  readonly backend: string;
  /** Options of the machine that the base gives already, with another value perhaps. */
  readonly given: ReadonlySet<string>;
}

/** The layer's text. What the base has is overridden, what it lacks is added. */
export function machineLayer(layer: MachineLayer): string {
  const { memory, vcpus, disk, nics } = layer.machine;
  const options: Readonly<Record<string, unknown>> = {
    ...(memory !== undefined && { memory: showSize(memory) }),
    ...(vcpus !== undefined && { vcpus }),
    ...(disk !== undefined && { disk: showSize(disk) }),
    ...(nics.length > 0 && { nics }),
  };
  const part = (given: boolean): Record<string, unknown> =>
    Object.fromEntries(Object.entries(options).filter(([key]) => layer.given.has(key) === given));
  const override = part(true);
  const add = part(false);
  const block = (verb: string, value: unknown): string => stringify({ [verb]: value });
  const parts = [
    `# ${layer.origin}\n`,
    `# Check it with 'vsec check', look at the whole with 'vsec show'.\n`,
    stringify({
      vse: LANGUAGE_VERSION,
      name: layer.name,
      version: '0.1.0',
      extends: layer.base,
    }),
    '\n',
    block('add', {
      ...(Object.keys(add).length > 0 && { machine: add }),
      backends: [layer.backend],
    }),
    ...(Object.keys(override).length > 0
      ? ['\n# Other values for what the base has.\n', block('override', { machine: override })]
      : []),
  ];
  return parts.join('');
}
