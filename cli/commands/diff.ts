import { misuse } from '../../vse/diagnostic.ts';
import { defineCommand, type ArgumentSpec } from '../command.ts';
import {
  diffArtifacts,
  diffOptions,
  openSide,
  type ArtifactChange,
  type OptionChange,
} from '../comparison.ts';
import { formatBytes, printable } from '../format.ts';
import { diffPackages, otherChanges, packageChangeLine } from '../lock-diff.ts';
import { json } from '../options.ts';
import type { Colors } from '../terminal.ts';

const side = (name: string): ArgumentSpec => ({
  name,
  describe: "an environment, a lock (…lock.json) or a bundle's folder",
  complete: 'file',
});

function optionLine(change: OptionChange, c: Colors): string {
  const text = (value: unknown) =>
    printable(typeof value === 'string' ? value : JSON.stringify(value));
  if (!('from' in change)) return `${c.green('+')} ${change.path} = ${text(change.to)}`;
  if (!('to' in change)) return `${c.red('-')} ${change.path} = ${text(change.from)}`;
  return `${c.yellow('~')} ${change.path} = ${text(change.from)} → ${text(change.to)}`;
}

function artifactLine({ format, from, to }: ArtifactChange, c: Colors): string {
  const size = (bytes: number | undefined) => (bytes === undefined ? 'none' : formatBytes(bytes));
  return `${c.yellow('~')} ${format}: ${size(from)} → ${size(to)}`;
}

export default defineCommand({
  description: `Compares two environments, locks or bundles, of the same kind or not: options,
    packages with their versions and sizes, and of bundles the trees and images. What only one of
    the two can tell is left out. An environment's packages are those of the lock beside it.

    Exit code 0 says that they are the same, 1 that they differ.`,
  arguments: [side('A'), side('B')],
  options: { json },
  examples: [
    { command: 'vsec diff debian-12 cfd.yaml', does: 'what an environment changes in its base' },
    { command: 'vsec diff old.lock.json cfd.lock.json', does: 'what an update brings' },
    { command: 'vsec diff cfd_2.0.0_amd64 cfd_2.1.0_amd64', does: 'what changed between releases' },
  ],
  async run({ args: [first = '', second = ''], options, session }) {
    const a = await openSide(first, session);
    const b = await openSide(second, session);
    if (!(a.vse && b.vse) && !(a.lock && b.lock)) {
      throw misuse('CLI009', `There is nothing to compare in ${first} and ${second}`, {
        hint: "Lock the environment first: 'vsec lock ENV'.",
      });
    }
    const result = {
      options: a.vse && b.vse ? diffOptions(a.vse, b.vse) : [],
      packages: a.lock && b.lock ? diffPackages(a.lock.packages, b.lock.packages) : [],
      lock: a.lock && b.lock ? otherChanges(a.lock, b.lock) : [],
      artifacts: a.manifest && b.manifest ? diffArtifacts(a.manifest, b.manifest) : [],
    };
    const differs = Object.values(result).some((changes) => changes.length > 0);
    if (options.json) session.printJson({ differs, ...result });
    else {
      const c = session.colors;
      for (const change of result.options) session.print(optionLine(change, c));
      for (const change of result.packages) session.print(packageChangeLine(change, c));
      for (const what of result.lock) session.print(`${c.yellow('~')} ${what}`);
      for (const change of result.artifacts) session.print(artifactLine(change, c));
    }
    return differs ? 1 : 0;
  },
});
