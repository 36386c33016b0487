/** xl configurations, asked of the parser that xl itself uses. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GoldenImage } from '../../builders/backend.ts';
import { xenHvm } from '../../builders/backends/xen-hvm.ts';
import { xenPv } from '../../builders/backends/xen-pv.ts';
import { xenPvh } from '../../builders/backends/xen-pvh.ts';
import { xl } from '../../builders/backends/quote.ts';
import { HOSTILE_NAMES, IMAGE, named, withMachine } from './support/image.ts';
import { installed } from './support/programs.ts';

const READER = fileURLToPath(new URL('support/read-xl.py', import.meta.url));
const LIBRARIES = '/usr/lib/x86_64-linux-gnu';
const canRead =
  installed('python3') &&
  existsSync(LIBRARIES) &&
  readdirSync(LIBRARIES).some((name) => name.startsWith('libxlutil.so.4'));

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vsec-xl-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Read = Readonly<Record<string, string | readonly string[]>>;

/** What xl understands of each text. */
function read(texts: readonly string[], keys: readonly string[]): readonly Read[] {
  const paths = texts.map((text, index) => {
    const path = join(folder, `${index}.cfg`);
    writeFileSync(path, text);
    return path;
  });
  const { status, stdout, stderr } = spawnSync('python3', [READER, ...keys], {
    input: paths.map((path) => `${path}\n`).join(''),
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Read);
}

const configs = (image: GoldenImage): string[] =>
  [xenPv, xenPvh, xenHvm].flatMap((backend) =>
    backend
      .emit(image)
      .filter((file) => file.path.endsWith('.cfg'))
      .map((file) => file.content),
  );

describe.skipIf(!canRead)('xl reads', () => {
  it('any printable string back as it was', () => {
    const printable = fc
      .string({ unit: 'grapheme' })
      .filter((text) => !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text));
    const texts = fc.sample(printable, 200).concat('"', '\\', `'"\\"'`, '\\"', '\\n', '#', '42');
    const found = read(
      texts.map((text) => `x = ${xl.quote(text)}\ny = [ ${xl.quote(text)}, ]\n`),
      ['x', 'y'],
    );
    expect(found).toEqual(texts.map((text) => ({ x: text, y: [text] })));
  });

  it.each(HOSTILE_NAMES)('the name %j as a name, a path and nothing more', (name) => {
    const image = named(name);
    for (const found of read(configs(image), ['name', 'disk', 'kernel', 'vif'])) {
      expect(found['name']).toBe(name);
      expect(found['disk']).toEqual([
        `format=raw,vdev=xvda,access=rw,target=/var/lib/xen/images/${name}.raw`,
      ]);
      expect(found['vif']).toHaveLength(2);
    }
    const [direct] = read(configs(image), ['kernel', 'ramdisk']);
    expect(direct).toEqual({
      kernel: `/var/lib/xen/images/${name}.vmlinuz`,
      ramdisk: `/var/lib/xen/images/${name}.initrd`,
    });
  });

  it('arguments with quotes and backslashes', () => {
    const image = { ...IMAGE, cmdline: ['a="b c"', 'd=\\e', "f='g'", 'h=#i'] };
    const [direct] = read(configs(image), ['cmdline']);
    expect(direct).toEqual({ cmdline: `a="b c" d=\\e f='g' h=#i console=hvc0` });
  });

  it('a machine without network cards', () => {
    for (const { vif } of read(configs(withMachine({ nics: [] })), ['vif']))
      expect(vif).toEqual([]);
  });
});
