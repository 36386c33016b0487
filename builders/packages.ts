/** Packages of a lock, ready to be unpacked: in the store, and still what they were. */
import { relative } from 'node:path';
import pLimit from 'p-limit';
import { fetchPackages } from '../repos/fetch-packages.ts';
import { noteUse } from '../repos/last-use.ts';
import type { LockedPackage, LockedRepository } from '../repos/lock.ts';
import { Store } from '../repos/store.ts';
import { warning } from '../vse/diagnostic.ts';
import type { Context } from '../vse/report.ts';
import { task } from '../vse/report.ts';
import { hold } from './lease.ts';

/**
 * Brings `packages` into the store and returns SHA-256 → absolute path. What the store holds
 * already is checked first.
 *
 * @throws what `fetchPackages` throws; offline, a damaged package is a missing one (REPO112)
 */
export async function obtainPackages(
  packages: readonly LockedPackage[],
  repositories: readonly LockedRepository[],
  ctx: Context,
): Promise<ReadonlyMap<string, string>> {
  await checkKept(packages, ctx);
  return fetchPackages(packages, repositories, ctx);
}

/**
 * Reads again those of `packages` that the store holds (about a second for each gigabyte), and
 * keeps them all from being pruned. A package that was damaged meanwhile is told (BUILD105) and
 * dropped: what is in the store afterwards is whole.
 */
export async function checkKept(packages: readonly LockedPackage[], ctx: Context): Promise<void> {
  const store = new Store(ctx.cacheDir);
  const pathOf = ({ sha256 }: LockedPackage): string => relative(ctx.cacheDir, store.path(sha256));
  await hold(packages.map(pathOf), ctx);
  await store.sweep().catch(() => 0);
  const kept: LockedPackage[] = [];
  for (const pkg of packages) if (await store.has(pkg.sha256, pkg.size)) kept.push(pkg);
  if (kept.length > 0)
    await task(ctx.report, 'verify', 'Checking packages in the store', (advance) =>
      dropDamaged(kept, store, ctx, advance),
    );
}

async function dropDamaged(
  packages: readonly LockedPackage[],
  store: Store,
  ctx: Context,
  advance: (done: number, total?: number) => void,
): Promise<void> {
  const limit = pLimit(ctx.jobs);
  let done = 0;
  await Promise.all(
    packages.map((pkg) =>
      limit(async () => {
        ctx.signal.throwIfAborted();
        const whole = await store.verify(pkg.sha256);
        advance(++done, packages.length);
        if (whole) return noteUse(store.path(pkg.sha256));
        const diagnostic = warning(
          'BUILD105',
          `package ${pkg.name} ${pkg.version} is damaged in the store and will be fetched again`,
          {
            notes: [{ message: `${store.path(pkg.sha256)} does not have the digest of its name` }],
            hint: 'if it happens again, check the disk, and who may write to the cache',
          },
        );
        ctx.report({ type: 'diagnostic', diagnostic });
        await store.remove(pkg.sha256);
      }),
    ),
  );
}
