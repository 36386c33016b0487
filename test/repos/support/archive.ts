/** A small signed Debian archive in a folder: real formats, packages of any bytes. */
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { LockedPackage } from '../../../repos/lock.ts';
import { signCleartext, signDetached, type SigningKey } from './keys.ts';

export interface ArchiveOptions {
  readonly suite?: string;
  readonly components?: readonly string[];
  readonly architectures?: readonly string[];
  readonly date?: Date;
  readonly validUntil?: Date;
  readonly byHash?: boolean;
  /** `Release` and `Release.gpg` in place of `InRelease`. */
  readonly detached?: boolean;
  readonly unsigned?: boolean;
  /** More header lines of the Release file, or others in place of the usual ones. */
  readonly fields?: Readonly<Record<string, string | undefined>>;
  /** Endings of the Packages files that are there and listed. */
  readonly forms?: readonly ('' | '.gz')[];
  /** Package name → contents of its file. */
  readonly packages?: Readonly<Record<string, Uint8Array>>;
  /** The text of the Packages file, in place of one made from `packages`. */
  readonly text?: string;
  /** Changes the Release text before it is signed. */
  readonly edit?: (text: string) => string;
}

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

export const poolPath = (name: string): string => `pool/main/${name}_1.0_amd64.deb`;

export const lockedPackage = (name: string, content: Uint8Array): LockedPackage => ({
  name,
  version: '1.0',
  architecture: 'amd64',
  sha256: sha256(content),
  size: content.length,
  repository: 'test',
  stage: 0,
  reason: 'requested by test',
  filename: poolPath(name),
  installedSize: 0,
});

/** The text of a Packages file. */
export function packagesText(packages: Readonly<Record<string, Uint8Array>>): string {
  return Object.entries(packages)
    .map(([name, content]) => {
      const { version, architecture, sha256, size, filename } = lockedPackage(name, content);
      return `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nFilename: ${filename}\nSize: ${size}\nSHA256: ${sha256}\n`;
    })
    .join('\n');
}

/** Writes (or replaces) one suite of the archive below `root`. */
export async function writeArchive(
  root: string,
  key: SigningKey,
  options: ArchiveOptions = {},
): Promise<void> {
  const { suite = 'stable', components = ['main'], architectures = ['amd64'] } = options;
  const { date = new Date(), packages = {}, byHash = true, forms = ['', '.gz'] } = options;
  const dists = join(root, 'dists', suite);
  await rm(dists, { recursive: true, force: true });
  const sums: string[] = [];
  for (const component of components) {
    for (const architecture of architectures) {
      const folder = `${component}/binary-${architecture}`;
      const text = Buffer.from(
        component === 'main' ? (options.text ?? packagesText(packages)) : '',
      );
      for (const ending of forms) {
        const bytes = ending === '.gz' ? gzipSync(text) : text;
        const digest = sha256(bytes);
        sums.push(` ${digest} ${bytes.length} ${folder}/Packages${ending}`);
        await put(join(dists, folder, `Packages${ending}`), bytes);
        if (byHash) await put(join(dists, folder, 'by-hash/SHA256', digest), bytes);
      }
    }
  }
  for (const [name, content] of Object.entries(packages)) {
    await put(join(root, poolPath(name)), content);
  }
  const fields = {
    Origin: 'Test',
    Suite: suite,
    Codename: suite,
    Date: date.toUTCString(),
    'Valid-Until': options.validUntil?.toUTCString(),
    'Acquire-By-Hash': byHash ? 'yes' : undefined,
    Architectures: architectures.join(' '),
    Components: components.join(' '),
    ...options.fields,
  };
  const lines = Object.entries(fields).flatMap(([k, v]) => (v === undefined ? [] : `${k}: ${v}`));
  const plain = [...lines, 'SHA256:', ...sums, ''].join('\n');
  const text = options.edit?.(plain) ?? plain;
  if (options.unsigned || options.detached) await put(join(dists, 'Release'), text);
  if (options.unsigned) return;
  const signed = new Date(Math.min(date.getTime(), Date.now()));
  if (options.detached)
    await put(join(dists, 'Release.gpg'), await signDetached(text, key, signed));
  else await put(join(dists, 'InRelease'), await signCleartext(text, [key], signed));
}

async function put(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
