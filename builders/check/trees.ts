/** Two file trees as canonical tars: which of their files differ, and how. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { extract } from 'tar-stream';
import type { Header } from 'tar-stream';
import { firstDifference } from './first-difference.ts';
import type { ByteDifference } from './first-difference.ts';

export interface TreeDifference {
  /** In the image, with a leading slash. */
  readonly path: string;
  /** `content`, or what else of it: `mode 0644, 0600`. */
  readonly what: string;
  readonly bytes?: ByteDifference;
}

interface Entry {
  /** Everything but the content, by name. */
  readonly facts: Readonly<Record<string, string>>;
  readonly sha256: string;
  /** Where its content is in the tar. */
  readonly offset: number;
  readonly size: number;
}

function factsOf(header: Header): Readonly<Record<string, string>> {
  const { type, mode, uid, gid, mtime, linkname, pax } = header;
  return {
    type: type ?? 'file',
    mode: (mode ?? 0).toString(8).padStart(4, '0'),
    owner: `${uid}:${gid}`,
    time: mtime?.toISOString() ?? '',
    link: linkname ?? '',
    attributes: JSON.stringify(pax ?? {}),
  };
}

async function readTree(tar: string): Promise<ReadonlyMap<string, Entry>> {
  const entries = new Map<string, Entry>();
  const parser = extract();
  const source = createReadStream(tar, { highWaterMark: 1 << 20 });
  source.on('error', (e) => parser.destroy(e)).pipe(parser);
  for await (const entry of parser) {
    const { header } = entry;
    // tar-stream has it, its types do not.
    const { byteOffset = 0 } = header as Header & { readonly byteOffset?: number };
    const hash = createHash('sha256');
    for await (const part of entry) hash.update(part as Buffer);
    entries.set(header.name.replace(/^\.?\/?/, '/').replace(/(?<=.)\/$/, ''), {
      facts: factsOf(header),
      sha256: hash.digest('hex'),
      offset: byteOffset,
      size: header.size ?? 0,
    });
  }
  return entries;
}

/** The differences of two trees, sorted by path; at most `limit` of them. */
export async function compareTrees(
  first: string,
  second: string,
  limit: number,
): Promise<readonly TreeDifference[]> {
  const [a, b] = [await readTree(first), await readTree(second)];
  const found: TreeDifference[] = [];
  for (const path of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    if (found.length >= limit) break;
    const [one, other] = [a.get(path), b.get(path)];
    if (!one || !other) {
      found.push({ path, what: `only in the ${one ? 'first' : 'second'}` });
      continue;
    }
    for (const [name, value] of Object.entries(one.facts))
      if (value !== other.facts[name])
        found.push({ path, what: `${name} ${value}, ${other.facts[name]}` });
    if (one.sha256 === other.sha256) continue;
    const bytes = await firstDifference(
      { path: first, offset: one.offset, size: one.size },
      { path: second, offset: other.offset, size: other.size },
    );
    found.push({ path, what: 'content', ...(bytes && { bytes }) });
  }
  return found;
}
