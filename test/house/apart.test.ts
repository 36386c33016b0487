/** What the Xen host of boot tests is not built again for has no part in making a disk. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { LEAST } from '../../cli/xen-boot-host.ts';
import { programDigest } from '../../builders/stages.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = (file: string): string => readFileSync(join(root, file), 'utf8');

/** The file and all that it imports, relative to the repository; `import type` leaves no trace. */
function closure(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, path = ''] of text(file).matchAll(
    /^(?:import|export) (?!type )[^;]*?from '(\..*?)'/gm,
  ))
    closure(join(dirname(file), path), seen);
  return seen;
}

const templatesOf = (files: Iterable<string>): readonly string[] =>
  [...files].flatMap((file) =>
    [...text(file).matchAll(/(?:render|templateText)\(\s*'([^']+)'/g)].map(
      ([, name]) => `templates/${name}`,
    ),
  );

it.each(['builders/worker.ts', 'builders/image/disk.ts', 'builders/formats.ts'])(
  'nothing that %s runs or reads is apart',
  (entry) => {
    const files = closure(entry);
    const read = [...files, ...templatesOf(files)];
    expect(read.length).toBeGreaterThan(3);
    const apart = read.filter((file) =>
      LEAST.apart.some((folder) => file.startsWith(`${folder}/`)),
    );
    expect(apart).toEqual([]);
  },
);

it('what is apart changes no digest of the rest, and the rest does', () => {
  const all = programDigest();
  expect(programDigest(['no/such/folder'])).toBe(all);
  expect(programDigest(['builders/boot'])).not.toBe(all);
});
