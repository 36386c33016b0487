/**
 * Damaged and hostile indexes: a Packages file gives packages or a message; an InRelease file that
 * was changed gives no text that was not signed. `VSEC_FUZZ` says how many.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildIndex } from '../../repos/deb/index-builder.ts';
import { parseRelease, selectIndexes } from '../../repos/deb/release.ts';
import { DebUniverse } from '../../repos/deb/universe.ts';
import { readPinnedKeys, verifyCleartext } from '../../repos/trust.ts';
import { VsecError } from '../../vse/diagnostic.ts';
import { cases, mutate, numbers, SEED } from '../support/mutate.ts';
import { scratch } from './support/context.ts';
import { newKey, pin, signCleartext } from './support/keys.ts';

const LONGEST = 20_000;

/** Runs `work`; only a VsecError with proper messages may come of it. True when none came. */
async function holds(label: string, work: () => unknown): Promise<boolean> {
  const started = performance.now();
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof VsecError)) throw new Error(label, { cause: error });
    for (const { message } of error.diagnostics)
      expect(message, label).not.toMatch(/undefined|\[object|\n/);
    return false;
  } finally {
    expect(performance.now() - started, label).toBeLessThan(LONGEST);
  }
}

const stanza = (name: string, more: string): string =>
  `Package: ${name}\nVersion: 1:2.0-3~deb12u1\nArchitecture: amd64\nMulti-Arch: same\nPriority: required\n` +
  `Filename: pool/main/${name}.deb\nSize: 1234\nInstalled-Size: 56\nSHA256: ${'a'.repeat(64)}\n${more}\n`;
const PACKAGES = [
  stanza('alpha', 'Essential: yes\nDepends: beta (>= 1.0) | gamma:any, delta [amd64]\n'),
  stanza('beta', 'Provides: gamma (= 3), mail\nConflicts: epsilon (<< 2)\nBreaks: alpha (<< 1)\n'),
  stanza('epsilon', 'Pre-Depends: alpha\nRecommends: beta,\n gamma\nSource: alpha (1.2)\n'),
].join('\n');

test(
  `${cases(400)} Packages files (VSEC_SEED=${SEED})`,
  async () => {
    const random = numbers(SEED);
    const path = join(await scratch(), 'Packages');
    const before = process.memoryUsage().rss;
    let read = 0;
    for (let i = 0; i < cases(400); i++) {
      writeFileSync(path, mutate(Buffer.from(PACKAGES), random));
      const good = await holds(`case ${i}`, async () => {
        const index = await buildIndex(path);
        const source = { repository: 'test', suite: 'stable', priority: 500, index };
        const universe = new DebUniverse([source], 'amd64');
        for (const name of universe.names())
          for (const candidate of universe.versions(name)) {
            universe.constraints(candidate, { recommends: true });
            universe.info(candidate);
          }
        universe.essential();
      });
      if (good) read++;
    }
    expect(read).toBeGreaterThan(cases(400) / 20);
    expect(read).toBeLessThan(cases(400));
    expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
  },
  60_000 + cases(400) * 50,
);

const sums = ['', '.gz', '.xz'].map(
  (end) => ` ${'b'.repeat(64)} 1234 main/binary-amd64/Packages${end}`,
);
const RELEASE = `Origin: Test\nSuite: stable\nCodename: stable\nDate: Sat, 10 Jan 2026 00:00:00 UTC
Valid-Until: Sun, 17 Jan 2026 00:00:00 UTC\nAcquire-By-Hash: yes\nArchitectures: amd64\nComponents: main
SHA256:\n${sums.join('\n')}\n`;
const WANTED = {
  ...{ what: 'the index', suite: 'stable', components: ['main'], architectures: ['amd64'] },
};

test(
  `${cases(300)} InRelease files (VSEC_SEED=${SEED})`,
  async () => {
    const random = numbers(SEED);
    const key = await newKey();
    const keys = await readPinnedKeys([await pin(join(await scratch(), 'key.asc'), key)]);
    const signed = Buffer.from(await signCleartext(RELEASE, [key]));
    const now = new Date();
    const { text: original } = await verifyCleartext(signed, keys, 'the index', now);
    const before = process.memoryUsage().rss;
    let [accepted, parsed] = [0, 0];
    for (let i = 0; i < cases(300); i++) {
      const label = `case ${i}`;
      const good = await holds(label, async () => {
        const bytes = mutate(signed, random);
        const { text } = await verifyCleartext(bytes, keys, 'the index', now);
        expect(text.trimEnd(), label).toBe(original.trimEnd());
      });
      if (good) accepted++;
      // And what a signer might write who is hostile himself.
      const fine = await holds(label, () =>
        selectIndexes(
          parseRelease(mutate(Buffer.from(RELEASE), random).toString('utf8'), 'the index'),
          WANTED,
        ),
      );
      if (fine) parsed++;
    }
    expect(accepted).toBeLessThan(cases(300) / 2);
    expect(parsed).toBeGreaterThan(cases(300) / 20);
    expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
  },
  60_000 + cases(300) * 200,
);
