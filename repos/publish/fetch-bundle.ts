/** `vsec fetch`: a published bundle comes back whole and verified, or not at all. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { failure } from '../../vse/diagnostic.ts';
import { task, type Context } from '../../vse/report.ts';
import { HttpClient } from '../http.ts';
import { explainIo } from '../io-errors.ts';
import { read, type Descriptor } from '../oci/manifest.ts';
import { parseReference, showReference } from '../oci/reference.ts';
import { PartialFile, writeAtomically } from '../partial-file.ts';
import { isSafePath } from './archive.ts';
import { downloadBlob, readBlob } from './blobs.ts';
import { lookUp, Online } from './look-up.ts';
import { MODE } from './media-types.ts';
import { fileOf } from './publish-bundle.ts';
import { showSigner } from './verified.ts';

const PURPOSE = 'write the bundle';
const word = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.+~-]*$/);
const named = z.looseObject({ name: word, version: word, architecture: word });

export interface FetchedBundle {
  /** Absolute path. */
  readonly bundle: string;
  readonly digest: string;
  readonly version: string;
  readonly signedBy: string;
  /** It was there already. */
  readonly unchanged: boolean;
}

/**
 * Fetches into `folder`/NAME_VERSION_ARCHITECTURE. What came before a run was stopped is used by the
 * next one.
 * @throws REPO2xx; REPO224 the place is taken
 */
export async function fetchBundle(
  text: string,
  folder: string,
  manifestName: string,
  ctx: Context,
): Promise<FetchedBundle> {
  const reference = parseReference(text);
  const shown = showReference(reference);
  const online = new Online(reference, ctx);
  try {
    const found = await lookUp(reference, 'bundle', { freshness: 'upgrade' }, online, ctx);
    const { config, layers } = found.manifest;
    const bytes = await readBlob(online.source(), config, shown, ctx);
    const { name, version, architecture } = read(named, bytes, shown);
    const bundle = join(folder, `${name}_${version}_${architecture}`);
    const result = { bundle, digest: found.digest, version, signedBy: showSigner(found.signer) };
    if (await isThere(bundle, manifestName, bytes)) return { ...result, unchanged: true };
    for (const layer of layers)
      if (!isSafePath(fileOf(layer)) || fileOf(layer) === manifestName)
        throw failure('REPO205', `${shown} has a file that no bundle has: '${fileOf(layer)}'`, {
          hint: 'do not use it, and tell whoever publishes it',
        });
    const scratch = join(folder, `.${name}_${version}_${architecture}.partial`);
    await receive(layers, scratch, shown, online, ctx);
    await writeAtomically(join(scratch, manifestName), bytes, PURPOSE);
    await explainIo(PURPOSE, bundle, async () => {
      await chmod(join(scratch, manifestName), 0o644);
      await removeOthers(scratch, [manifestName, ...layers.map(fileOf)]);
      await rename(scratch, bundle);
    });
    return { ...result, unchanged: false };
  } finally {
    await online.close();
  }
}

/** @throws REPO224 something else is there */
async function isThere(bundle: string, manifestName: string, bytes: Buffer): Promise<boolean> {
  if (!(await stat(bundle).catch(() => undefined))) return false;
  const there = await readFile(join(bundle, manifestName)).catch(() => undefined);
  if (there?.equals(bytes)) return true;
  throw failure('REPO224', `there is something else at ${bundle}`, {
    hint: 'remove it, or choose another place with -O; it was not touched',
  });
}

async function receive(
  layers: readonly Descriptor[],
  scratch: string,
  shown: string,
  online: Online,
  ctx: Context,
): Promise<void> {
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  const client = new HttpClient(ctx, 1);
  let done = 0;
  const work = async (advance: (done: number, total?: number, detail?: string) => void) => {
    for (const layer of layers) {
      const path = join(scratch, fileOf(layer));
      const start = done;
      if (!(await isWhole(path, layer)))
        await receiveFile(client, layer, path, shown, online, ctx, (bytes) =>
          advance(start + bytes, total, fileOf(layer)),
        );
      done = start + layer.size;
      advance(done, total);
    }
  };
  try {
    const options = { total, unit: 'bytes' } as const;
    await task(ctx.report, 'fetch', `Fetching ${shown}`, work, options);
  } finally {
    await client.close();
  }
}

async function receiveFile(
  client: HttpClient,
  layer: Descriptor,
  path: string,
  shown: string,
  online: Online,
  ctx: Context,
  told: (bytes: number) => void,
): Promise<void> {
  const part = join(dirname(path), `.${layer.digest.slice(7, 23)}.part`);
  const file = await PartialFile.resume(part, PURPOSE);
  try {
    if (file.size > layer.size) await file.restart();
    const source = online.source();
    const what = `${fileOf(layer)} of ${shown}`;
    await downloadBlob(client, source, layer, file, what, ctx, () => told(file.size));
    await file.commit(path);
    const executable = layer.annotations?.[MODE] === '0755';
    await explainIo(PURPOSE, path, () => chmod(path, executable ? 0o755 : 0o644));
  } finally {
    // Of the right length and not right: of no use to the next run.
    if (file.size >= layer.size) await file.discard();
    else await file.leave();
  }
}

async function isWhole(path: string, { digest, size }: Descriptor): Promise<boolean> {
  if ((await stat(path).catch(() => undefined))?.size !== size) return false;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}` === digest;
}

/** What an earlier run left of another artifact of this name. */
async function removeOthers(folder: string, files: readonly string[]): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const keep = files.some((file) => join(folder, file) === path);
    if (!keep && !entry.isDirectory()) await rm(path, { force: true });
  }
  await rm(join(folder, '.partial'), { recursive: true, force: true });
}
