/** Packages files in compact form: what is kept, and that a damaged cache heals itself. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildIndex } from '../../repos/deb/index-builder.ts';
import { openIndex } from '../../repos/deb/index-cache.ts';
import { IndexFile } from '../../repos/deb/index-file.ts';
import { toStanzas } from '../support/toy-universe.ts';
import { diagnosticOf, filesBelow, scratch, testContext } from './support/context.ts';

const PACKAGES = toStanzas(`
  zsh 5.9-4; Depends: libc6 (>= 2.36) | libc6.1, passwd; Provides: shell, posix-shell (= 5)
  bash 5.2; Essential: yes; Depends: base-files; Suggests: bash-doc; Important: yes
  bash 5.1
  dash; Provides: shell`);

async function packagesFile(text: string): Promise<string> {
  const path = join(await scratch(), 'Packages');
  await writeFile(path, text, 'latin1');
  return path;
}

const namesOf = (index: IndexFile, packages: Iterable<number>): string[] =>
  Array.from(packages, (i) => `${index.nameOfPackage(i)} ${index.record(i).version}`);

describe('a compact index', () => {
  it('finds packages and providers by name', async () => {
    const index = await buildIndex(await packagesFile(PACKAGES));
    expect(index.packageCount).toBe(4);
    const find = (name: string) => index.findName(name)!;
    expect(namesOf(index, index.packagesNamed(find('bash')))).toEqual(['bash 5.2', 'bash 5.1']);
    expect(namesOf(index, index.providersOf(find('shell')))).toEqual(['zsh 5.9-4', 'dash 1']);
    expect(namesOf(index, index.packagesNamed(find('shell')))).toEqual([]);
    expect(namesOf(index, index.essential)).toEqual(['bash 5.2']);
    expect(index.findName('nothing')).toBeUndefined();
  });

  it('numbers names as they are first mentioned', async () => {
    const index = await buildIndex(await packagesFile(PACKAGES));
    const names = Array.from({ length: index.nameCount }, (_, name) => index.nameText(name));
    expect(names.slice(0, 6)).toEqual([
      'zsh',
      'libc6',
      'libc6.1',
      'passwd',
      'shell',
      'posix-shell',
    ]);
  });

  it('keeps the fields that are needed, under one name', async () => {
    const index = await buildIndex(await packagesFile(PACKAGES));
    expect(index.record(1)).toMatchObject({
      version: '5.2',
      essential: 'yes',
      protected: 'yes',
      depends: 'base-files',
      recommends: '',
    });
  });

  it('reads folded fields, other line ends, and a file without a last newline', async () => {
    const text = PACKAGES.replace('(>= 2.36) |', '(>= 2.36)\n  |')
      .replaceAll('\n', '\r\n')
      .trimEnd();
    const index = await buildIndex(await packagesFile(text));
    expect(index.record(0).depends).toBe('libc6 (>= 2.36) | libc6.1, passwd');
    expect(index.packageCount).toBe(4);
  });

  it('comes back from its bytes as it was', async () => {
    const index = await buildIndex(await packagesFile(PACKAGES));
    const again = IndexFile.parse(Buffer.concat(index.serialise()))!;
    for (let i = 0; i < index.packageCount; i++) {
      expect(again.record(i)).toEqual(index.record(i));
      expect(again.nameOfPackage(i)).toBe(index.nameOfPackage(i));
    }
    expect(again.findName('posix-shell')).toBe(index.findName('posix-shell'));
  });

  it('of nothing is empty', async () => {
    const index = await buildIndex(await packagesFile(''));
    expect([index.packageCount, index.findName('bash')]).toEqual([0, undefined]);
  });

  it('is refused when a package lacks its digest', async () => {
    const text = PACKAGES.replace(/SHA256: .*\n/, '');
    expect(await diagnosticOf(buildIndex(await packagesFile(text)))).toMatchObject({
      code: 'SOLV110',
      message: 'malformed package index: zsh has no sha256',
    });
  });
});

describe('the cache of compact indexes', () => {
  it('is used instead of the Packages file', async () => {
    const ctx = await testContext();
    await openIndex(await packagesFile(PACKAGES), 'abc', ctx);
    expect((await openIndex('/nowhere', 'abc', ctx)).packageCount).toBe(4);
  });

  it('is made anew when it is damaged', async () => {
    const ctx = await testContext();
    const path = await packagesFile(PACKAGES);
    await openIndex(path, 'abc', ctx);
    const [name] = await filesBelow(join(ctx.cacheDir, 'universe'));
    const cached = join(ctx.cacheDir, 'universe', name!);
    const whole = await readFile(cached);
    for (const damaged of [whole.subarray(0, whole.length - 1), whole.subarray(0, 10), 'x', '']) {
      await writeFile(cached, damaged).catch(() => {});
      expect((await openIndex(path, 'abc', ctx)).packageCount).toBe(4);
      expect(await readFile(cached)).toEqual(whole);
    }
  });
});
