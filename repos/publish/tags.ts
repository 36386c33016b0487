/**
 * Tags and what they may do. One that is the version itself (`base:2026.1`) names one artifact for
 * ever; any other (`base:stable`) may move on to higher versions and never back. The signed
 * statement lists the tags, so a registry cannot move one by itself.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { compareVersions, versionProblem } from '../../vse/deb-version.ts';
import { failure, type VsecError } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { showReference, type Reference } from '../oci/reference.ts';
import { writeAtomically } from '../partial-file.ts';
import type { Statement } from './statement.ts';

/** What a tag named when it was last looked at. */
const known = z.object({ digest: z.string(), version: z.string() });
export type Known = Readonly<z.infer<typeof known>>;

/** Versions may hold characters that tags may not. */
export const tagOf = (version: string): string => version.replaceAll(/[+~]/g, '_');

const path = (reference: Reference, ctx: Context): string => {
  const key = createHash('sha256').update(`${reference.name}:${reference.tag}`).digest('hex');
  return join(ctx.cacheDir, 'bases', 'tags', `${key}.json`);
};

export async function lastSeen(reference: Reference, ctx: Context): Promise<Known | undefined> {
  try {
    return known.parse(JSON.parse(await readFile(path(reference, ctx), 'utf8')));
  } catch {
    return undefined;
  }
}

export async function remember(reference: Reference, now: Known, ctx: Context): Promise<void> {
  if (reference.tag === undefined) return;
  const text = JSON.stringify({ tag: showReference(reference), ...now });
  await writeAtomically(path(reference, ctx), text, 'remember what was published');
}

/** A tag that is the version names something else than before. @throws REPO215 */
export function refuseMoved(reference: Reference, before: Known | undefined, now: string): void {
  if (before && before.digest !== now && tagOf(before.version) === reference.tag)
    throw moved(reference, before, now);
}

const moved = (reference: Reference, before: Known, now: string): VsecError =>
  failure('REPO215', `the tag ${showReference(reference)} was moved: it names something else now`, {
    notes: [
      { message: `before: ${before.digest}, version ${before.version}` },
      { message: `now: ${now}` },
    ],
    hint: `ask the publisher why; to accept it, extend '${showReference(reference)}@${now}'`,
  });

/**
 * Whether what is signed is what was asked for.
 * @throws REPO215 moved, REPO216 an older version, REPO217 signed as something else
 */
export function checkStatement(
  reference: Reference,
  digest: string,
  { repository, version, tags }: Statement,
  before: Known | undefined,
): void {
  if (reference.type === 'folder') return;
  const shown = showReference(reference);
  const { tag } = reference;
  if (tag !== undefined && isOlder(version, before?.version ?? tag))
    throw failure('REPO216', `${shown} was set back: it names version ${version}`, {
      notes: [
        { message: before ? `before: version ${before.version}` : `asked for: ${tag}` },
        { message: `now: version ${version}, ${digest}` },
      ],
      hint: 'an older version may have known flaws: ask the publisher; to have it all the same, extend it by its own tag',
    });
  if (tag !== undefined && before?.version === version && before.digest !== digest)
    throw moved(reference, before, digest);
  const mine = `/${reference.repository}`.endsWith(`/${repository}`);
  if (mine && (tag === undefined || tags.includes(tag))) return;
  throw failure('REPO217', `${shown} is signed as something else`, {
    notes: [{ message: `signed as ${repository}, version ${version}, tags ${tags.join(', ')}` }],
    hint: 'somebody put it under a name that its publisher did not give it: tell the publisher',
  });
}

const isVersion = (text: string): boolean => /^\d/.test(text) && versionProblem(text) === undefined;

const isOlder = (version: string, than: string): boolean =>
  isVersion(version) && isVersion(than) && compareVersions(version, than) < 0;
