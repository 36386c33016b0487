/** Files of the host that layers name: read once and hashed, so that digests know their contents. */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cell } from './cells.ts';
import type { Span } from './diagnostic.ts';
import type { Findings } from './findings.ts';
import type { Layer } from './layer.ts';
import { explain } from './read-file.ts';
import type { Path } from './shape.ts';

/** Absolute path → SHA-256 in hex, and bytes. */
export type HostFiles = ReadonlyMap<string, { readonly sha256: string; readonly size: number }>;

interface Reference {
  readonly path: string;
  readonly span: Span;
  readonly folder: boolean;
}

export async function hashHostFiles(options: Cell, findings: Findings): Promise<HostFiles> {
  const hashed = new Map<string, { sha256: string; size: number }>();
  for (const { path, span, folder } of references(options)) {
    if (hashed.has(path)) continue;
    try {
      const found = statSync(path);
      if (found.isFile())
        hashed.set(path, { sha256: await hashFile(path, found.size), size: found.size });
      else if (folder && found.isDirectory())
        hashed.set(path, { sha256: await hashFolder(path), size: 0 });
      else {
        const what = found.isDirectory() ? 'a folder' : 'not a regular file';
        findings.error('VSE062', `'${path}' is ${what}: a file is expected`, {
          span,
          hint: found.isDirectory() ? "Name its files one by one under 'files'." : undefined,
        });
      }
    } catch (cause) {
      const errno = (cause as NodeJS.ErrnoException).code ?? String(cause);
      if (errno === 'ENOENT')
        findings.error('VSE061', `There is no file '${path}'`, {
          span,
          hint: 'Relative paths start at the folder of the layer.',
        });
      else findings.error('VSE062', `'${path}' cannot be read: ${explain(errno)}`, { span });
    }
  }
  return hashed;
}

function* references(options: Cell): Generator<Reference> {
  for (const { path, held } of options.walk()) {
    const { content, origins } = held;
    if (content.type !== 'value' || content.invalid || !namesHostFile(path)) continue;
    const span = origins.at(-1)!.span;
    yield { path: String(content.value), span, folder: path[1] === 'modules' };
  }
}

/** Whether the value of this option is the path of a file of the host. */
function namesHostFile(path: Path): boolean {
  if (path[0] === 'files') return path[2] === 'source';
  if (path[0] === 'repositories') return path[2] === 'signed-by';
  return path[0] === 'kernel' && ['image', 'modules', 'initrd'].includes(path[1]!);
}

export interface HostFile {
  /** Absolute. */
  readonly path: string;
  readonly span: Span;
}

/** Files of the host that a layer names, also where a higher layer names others. */
export function* hostFilesOf(layer: Layer): Generator<HostFile> {
  for (const statement of layer.statements) {
    if (statement.type === 'set' && !statement.invalid && namesHostFile(statement.path))
      yield { path: String(statement.value), span: statement.span };
    if (statement.type === 'replace' && namesHostFile(statement.path))
      for (const { text, span } of statement.elements) yield { path: text, span };
  }
}

/** Bytes up to which reading at once is faster than a stream. */
const SMALL = 2 ** 20;

async function hashFile(path: string, size: number): Promise<string> {
  const hash = createHash('sha256');
  if (size <= SMALL) return hash.update(readFileSync(path)).digest('hex');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Over the names, kinds and contents of all that is in it, in the order of names. */
async function hashFolder(path: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(path, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = join(path, entry.name);
    const content = entry.isDirectory()
      ? await hashFolder(child)
      : entry.isSymbolicLink()
        ? await readlink(child)
        : entry.isFile()
          ? await hashFile(child, SMALL + 1)
          : 'special';
    hash.update(JSON.stringify([entry.name, entry.isDirectory(), content]));
  }
  return hash.digest('hex');
}
