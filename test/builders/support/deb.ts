/** Packages made by hand, so that they can be wrong in any way: `ar` members and tar entries. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Header } from 'tar-stream';

export type TarEntry = Partial<Header> & { readonly name: string; readonly content?: string };

/** A tar of exactly these entries. */
export async function tar(entries: readonly TarEntry[]): Promise<Buffer<ArrayBuffer>> {
  const archive = pack();
  // Owned by whoever runs the tests, who may give files to nobody else unless it is root.
  const common = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  for (const { content, ...header } of entries) {
    const mode = header.type === 'directory' ? 0o755 : 0o644;
    archive.entry({ ...common, mode, ...header }, content ?? '');
  }
  archive.finalize();
  return Buffer.from(await buffer(archive));
}

export interface ArMember {
  readonly name: string;
  readonly bytes: Buffer<ArrayBuffer>;
  /** What the header says, when it is to lie. */
  readonly size?: string;
}

/** An `ar` archive of exactly these members. */
export function ar(members: readonly ArMember[]): Buffer {
  const parts = [Buffer.from('!<arch>\n')];
  for (const { name, bytes, size } of members) {
    const fields = [name.padEnd(16), '0'.padEnd(12), '0'.padEnd(6), '0'.padEnd(6)];
    const length = size ?? String(bytes.length);
    parts.push(Buffer.from(`${fields.join('')}${'100644'.padEnd(8)}${length.padEnd(10)}\`\n`));
    parts.push(bytes, Buffer.alloc(bytes.length % 2, '\n'));
  }
  return Buffer.concat(parts);
}

export interface DebRecipe {
  readonly name?: string;
  readonly version?: string;
  /** Lines of the control file besides Package, Version and Architecture. */
  readonly fields?: readonly string[];
  /** The whole control file instead. */
  readonly controlText?: string;
  /** Other members of the control archive. */
  readonly control?: readonly TarEntry[];
  readonly files?: readonly TarEntry[];
  /** Compress both archives with gzip. */
  readonly gzip?: boolean;
  /** Changes the members before they are put together. */
  readonly edit?: (members: ArMember[]) => readonly ArMember[];
}

/** The bytes of a package; a right one, but for what `recipe` says. */
export async function deb(recipe: DebRecipe): Promise<Buffer> {
  const { name = 'toy', version = '1.0' } = recipe;
  const text =
    recipe.controlText ??
    [`Package: ${name}`, `Version: ${version}`, 'Architecture: amd64', ...(recipe.fields ?? [])]
      .map((line) => `${line}\n`)
      .join('');
  const suffix = recipe.gzip ? '.gz' : '';
  const press = (bytes: Buffer<ArrayBuffer>) => (recipe.gzip ? gzipSync(bytes) : bytes);
  const control = await tar([{ name: './control', content: text }, ...(recipe.control ?? [])]);
  const data = await tar([{ name: './', type: 'directory' }, ...(recipe.files ?? [])]);
  const members: ArMember[] = [
    { name: 'debian-binary', bytes: Buffer.from('2.0\n') },
    { name: `control.tar${suffix}`, bytes: press(control) },
    { name: `data.tar${suffix}`, bytes: press(data) },
  ];
  return ar(recipe.edit ? recipe.edit(members) : members);
}

/** A package file in `folder`, as the lock would name it. */
export async function debFile(
  folder: string,
  recipe: DebRecipe,
): Promise<{ readonly path: string; readonly label: string }> {
  const { name = 'toy', version = '1.0' } = recipe;
  const path = join(folder, `${name}_${version}.deb`);
  writeFileSync(path, await deb(recipe));
  return { path, label: `${name} ${version}` };
}

export const file = (
  name: string,
  content = `${name}\n`,
  more: Partial<Header> = {},
): TarEntry => ({
  name,
  content,
  ...more,
});
export const folder = (name: string, mode = 0o755, more: Partial<Header> = {}): TarEntry => ({
  name: `${name}/`,
  type: 'directory',
  mode,
  ...more,
});
export const link = (name: string, linkname: string): TarEntry => ({
  name,
  type: 'symlink',
  linkname,
});
export const hardLink = (name: string, linkname: string): TarEntry => ({
  name,
  type: 'link',
  linkname,
});
