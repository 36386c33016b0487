/** From a name to the place that it names. */
import { isAbsolute, resolve } from 'node:path';
import { misuse } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { FolderSource, FolderTarget } from './folder.ts';
import type { Source, Target } from './place.ts';
import { parseReference, type Reference } from './reference.ts';
import { Registry } from './registry.ts';

export const openSource = (reference: Reference, ctx: Context): Source =>
  reference.type === 'registry'
    ? new Registry(reference, ctx, 'pull')
    : new FolderSource(reference, ctx);

export interface Destination {
  readonly target: Target;
  /** What is signed as the name: the path in the registry, or the folder's own name. */
  readonly repository: string;
  /** As `extends` and `vsec fetch` take it, when it is a registry. */
  readonly name?: string;
  readonly tag?: string;
}

/**
 * @param to `oci://host/path[:tag]`, or the path of a folder
 * @throws REPO201 (exit code 2)
 */
export function openTarget(to: string, name: string, ctx: Context): Destination {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(to)) {
    const folder = isAbsolute(to) ? to : resolve(to);
    return { target: new FolderTarget(folder), repository: name };
  }
  const reference = parseReference(to);
  if (reference.type === 'folder' || reference.digest !== undefined)
    throw misuse('REPO201', `'${to}' is no place to publish to`, {
      hint: "as in './public/base', which any web server can serve, or 'oci://registry.example/site/base:2026.1'",
    });
  const { repository, tag } = reference;
  const target = new Registry(reference, ctx, 'pull,push');
  return { target, repository, name: reference.name, ...(tag !== undefined && { tag }) };
}
