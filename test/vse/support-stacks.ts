/** Generated stacks of layers that fit: each verb says what the layers below make possible. */
import fc from 'fast-check';
import type { Files } from './support.ts';

/** A place of the language and values for it. */
interface Slot {
  readonly path: readonly string[];
  readonly values: readonly unknown[];
  /** Cannot be taken away by itself. */
  readonly stays?: true;
}

export const SLOTS: readonly Slot[] = [
  { path: ['hostname'], values: ['node1', 'node2', 'node3'] },
  { path: ['timezone'], values: ['Etc/UTC', 'Europe/Berlin'] },
  { path: ['image', 'size'], values: ['4GiB', '6GiB', '8192MB'] },
  { path: ['machine', 'vcpus'], values: [1, 2, 64] },
  { path: ['kernel', 'cmdline', 'aa'], values: ['one', 'two', 'off'] },
  { path: ['kernel', 'cmdline', 'bb'], values: [true, 'x'] },
  { path: ['services', 'ssh'], values: ['enabled', 'disabled', 'masked'] },
  { path: ['users', 'ann', 'uid'], values: [2000, 2001] },
  { path: ['users', 'ann', 'shell'], values: ['/bin/sh', '/bin/bash'] },
  { path: ['files', '/etc/motd', 'content'], values: ['a\n', 'b # c\n\n', '- "d"'], stays: true },
  { path: ['scripts', 's.1', 'run'], values: ['true', 'echo 1\necho 2\n'], stays: true },
  { path: ['packages', 'gcc'], values: ['gcc', 'gcc (>= 12)', 'gcc (<< 20)'] },
  { path: ['packages', 'make'], values: ['make'] },
  { path: ['initrd', 'modules', 'nvme'], values: ['nvme'] },
  { path: ['initrd', 'modules', 'ext2'], values: ['ext2'] },
  { path: ['backends', 'kvm'], values: ['kvm'] },
];

const ELEMENTS = new Set(['packages', 'modules', 'backends']);
/** Written as an element of a list below it. */
export const isElement = ({ path }: Slot): boolean => ELEMENTS.has(path.at(-2) ?? '');

export type Deed = 'add' | 'override' | 'remove' | 'replace' | 'repeat';

export interface Line {
  readonly slot: Slot;
  readonly deed: Deed;
  readonly value: unknown;
}

export interface Stack {
  readonly layers: readonly (readonly Line[])[];
  /** What must come of it: slot → value. */
  readonly result: ReadonlyMap<Slot, unknown>;
}

/** Numbers that choose; they shrink to stacks in which little happens. */
const choices = fc.array(
  fc.array(fc.nat(99), { minLength: SLOTS.length, maxLength: SLOTS.length }),
  {
    minLength: 1,
    maxLength: 5,
  },
);

export const stacks: fc.Arbitrary<Stack> = choices.map((numbers) => {
  const state = new Map<Slot, unknown>();
  const layers = numbers.map((row) =>
    SLOTS.flatMap((slot, at): Line[] => {
      const line = deedFor(slot, state, row[at]!);
      if (!line) return [];
      if (line.deed === 'remove') state.delete(slot);
      else state.set(slot, line.value);
      return [line];
    }),
  );
  return { layers, result: state };
});

function deedFor(slot: Slot, state: ReadonlyMap<Slot, unknown>, number: number): Line | undefined {
  const value = slot.values[number % slot.values.length];
  const held = state.get(slot);
  if (number < 40) return undefined;
  if (held === undefined) return { slot, deed: 'add', value };
  if (number < 55) return { slot, deed: 'repeat', value: held };
  if (number < 70 && !slot.stays) return { slot, deed: 'remove', value: undefined };
  if (number < 80 && !slot.stays) return { slot, deed: 'replace', value };
  // Of a set, `override` says all elements: that is no matter of one slot.
  if (isElement(slot) && slot.path[0] !== 'packages') return undefined;
  return { slot, deed: 'override', value };
}

export const STACK_VENDOR = `vse: 1
name: l0
add:
  distribution: {id: debian, release: bookworm, architecture: amd64}
  repositories: {main: {mirror: debian, suites: [a], signed-by: [./key.asc]}}
`;

/** `l0.yaml` (the vendor's) to `l<n>.yaml`, each on the one below it. */
export function filesOf({ layers }: Stack): Files {
  const files: Record<string, string> = { 'l0.yaml': STACK_VENDOR };
  layers.forEach((lines, i) => {
    files[`l${i + 1}.yaml`] = layerText(`l${i + 1}`, [`./l${i}.yaml`], lines);
  });
  return files;
}

/** JSON is YAML; one value to a line. */
export function layerText(name: string, lower: readonly string[], lines: readonly Line[]): string {
  const blocks: Record<string, unknown> = {};
  for (const { slot, deed, value } of lines) {
    if (deed === 'remove' || deed === 'replace')
      ((blocks['remove'] ??= []) as string[]).push(slot.path.join('.'));
    if (deed !== 'remove') put(blocks, deed === 'override' ? 'override' : 'add', slot, value);
  }
  return JSON.stringify({ ...blocks, extends: lower, name, vse: 1 }, null, 1);
}

function put(blocks: Record<string, unknown>, verb: string, slot: Slot, value: unknown): void {
  const keys = [verb, ...slot.path];
  const element = isElement(slot);
  const holder = keys.slice(0, element ? -2 : -1).reduce<Record<string, unknown>>((at, key) => {
    return (at[key] ??= {}) as Record<string, unknown>;
  }, blocks);
  if (element) ((holder[keys.at(-2)!] ??= []) as unknown[]).push(value);
  else holder[keys.at(-1)!] = value;
}
