/** A tar as a map of its entries, to compare trees by. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import type { Header } from 'tar-stream';

export interface TreeEntry {
  readonly type: string;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Bytes; 0 for everything but files. */
  readonly size: number;
  /** Of a file's content, hex; empty for other types and for hard links. */
  readonly sha256: string;
  /** Target of a symbolic or hard link. */
  readonly link: string;
  /** `security.capability` as the archive has it. */
  readonly capability: string;
  /** Whole content of the files that were asked for. */
  readonly content?: Buffer;
}

export type TarTree = ReadonlyMap<string, TreeEntry>;

const inner = (name: string): string => `/${name.replace(/^\.?\/*/, '').replace(/\/+$/, '')}`;

type Pax = Readonly<Record<string, string>> | null | undefined;

const DEVICES = new Set(['character-device', 'block-device']);

/** As `readTar`, of the file at `path`. */
export const readTarTree = (path: string, keep?: (name: string) => boolean): Promise<TarTree> =>
  readTar(createReadStream(path, { highWaterMark: 1 << 20 }), keep);

/**
 * Reads a tar; names get a leading slash and lose a trailing one. Device nodes are
 * passed over: only root can make them. `keep` says of which files the content is wanted.
 */
export async function readTar(
  input: Readable,
  keep: (name: string) => boolean = () => false,
): Promise<TarTree> {
  const tree = new Map<string, TreeEntry>();
  const tar = extract();
  input.on('error', (e) => tar.destroy(e));
  input.pipe(tar);
  for await (const entry of tar) {
    const header: Header = entry.header;
    const name = inner(header.name);
    const hash = createHash('sha256');
    const parts: Buffer[] = [];
    for await (const part of entry as AsyncIterable<Buffer>) {
      hash.update(part);
      if (keep(name)) parts.push(part);
    }
    const type = header.type ?? 'file';
    if (DEVICES.has(type)) continue;
    const hard = type === 'link';
    tree.set(name, {
      type: hard ? 'file' : type,
      mode: (header.mode ?? 0) & 0o7777,
      uid: header.uid ?? 0,
      gid: header.gid ?? 0,
      mtime: Math.floor((header.mtime?.getTime() ?? 0) / 1000),
      size: type === 'file' ? (header.size ?? 0) : 0,
      sha256: type === 'file' ? hash.digest('hex') : '',
      link: hard ? inner(header.linkname ?? '') : (header.linkname ?? ''),
      capability: (header.pax as Pax)?.['SCHILY.xattr.security.capability'] ?? '',
      ...(keep(name) && { content: Buffer.concat(parts) }),
    });
  }
  return withHardLinks(tree);
}

/** A hard link is its file: which of the two names comes first in the archive says nothing. */
function withHardLinks(tree: ReadonlyMap<string, TreeEntry>): TarTree {
  return new Map(
    [...tree].map(([name, entry]) => {
      const file = entry.type === 'file' && entry.link !== '' ? tree.get(entry.link) : undefined;
      return [name, file ? { ...file, mode: entry.mode } : entry] as const;
    }),
  );
}
