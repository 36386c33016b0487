/** From a published name to a verified manifest: asked of the registry only as far as is needed. */
import { join } from 'node:path';
import { failure, VsecError, warning } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import { openSource } from '../oci/open.ts';
import type { Source } from '../oci/place.ts';
import { showReference, type Reference } from '../oci/reference.ts';
import type { Kind } from './media-types.ts';
import { checkStatement, lastSeen, refuseMoved, remember, type Known } from './tags.ts';
import { obtainVerified, requirePublisher, type Verified } from './verified.ts';

/**
 * How much is asked of the registry. `never`: what a lock or an earlier run knows is enough.
 * `check`: has a version's tag been moved? `upgrade`: take what tags name now.
 */
export type Freshness = 'never' | 'check' | 'upgrade';

export interface LookedUp extends Verified {
  /** Of the cache, for what belongs to it. */
  readonly folder: string;
}

/**
 * @param pin what a lock says; else what was seen last time counts
 * @throws REPO113, REPO192 to REPO217
 */
export async function lookUp(
  reference: Reference,
  kind: Kind,
  how: { readonly freshness: Freshness; readonly pin?: Known | undefined },
  online: Online,
  ctx: Context,
): Promise<LookedUp> {
  const publisher = await requirePublisher(reference, ctx.env);
  const before = how.pin ?? (await lastSeen(reference, ctx));
  const digest = await digestOfTag(reference, before, how.freshness, online, ctx);
  const folder = join(ctx.cacheDir, 'bases', digest.replace(':', '-'));
  const from = { source: () => online.source(), folder };
  const verified = await obtainVerified(reference, digest, kind, publisher, from, ctx);
  const accepted = reference.digest === undefined ? before : undefined;
  checkStatement(reference, digest, verified.statement, accepted);
  await remember(reference, { digest, version: verified.statement.version }, ctx);
  return { ...verified, folder };
}

async function digestOfTag(
  reference: Reference,
  before: Known | undefined,
  freshness: Freshness,
  online: Online,
  ctx: Context,
): Promise<string> {
  if (reference.digest !== undefined) return reference.digest;
  if (before && (freshness === 'never' || ctx.offline)) return before.digest;
  const shown = showReference(reference);
  let now: string | undefined;
  try {
    now = await online.source().resolve(reference.tag ?? 'latest');
  } catch (error) {
    const code = error instanceof VsecError ? error.diagnostics[0]?.code : undefined;
    if (!before || code !== 'REPO202') throw error;
    const diagnostic = warning('REPO192', `${shown} could not be looked up again`, {
      notes: [{ message: (error as Error).message }],
      hint: `what it was before is used: version ${before.version}`,
    });
    ctx.report({ type: 'diagnostic', diagnostic });
    return before.digest;
  }
  if (now === undefined)
    throw failure('REPO203', `nothing is published as ${shown}`, {
      hint: 'mind the name and the version',
    });
  refuseMoved(reference, before, now);
  return before && freshness !== 'upgrade' ? before.digest : now;
}

/** The registry, opened when it is first needed; never when working offline. */
export class Online {
  readonly #reference: Reference;
  readonly #ctx: Context;
  #source: Source | undefined;

  constructor(reference: Reference, ctx: Context) {
    this.#reference = reference;
    this.#ctx = ctx;
  }

  /** @throws REPO113 */
  source(): Source {
    if (this.#ctx.offline)
      throw failure('REPO113', `${showReference(this.#reference)} is not in the cache`, {
        hint: 'run once without --offline',
      });
    return (this.#source ??= openSource(this.#reference, this.#ctx));
  }

  async close(): Promise<void> {
    await this.#source?.close();
  }
}
