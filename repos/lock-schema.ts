/** The shape of a lock, as it is checked when it is read and before it is written. */
import * as z from 'zod';
import { LOCK_FORMAT } from './lock.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256 in hex');
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'is no digest (sha256:…)');
const bytes = z.number().int().nonnegative();
const filename = z
  .string()
  .min(1)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), {
    message: 'leads out of the repository',
  })
  .refine((path) => !/[\0\n\\]/.test(path), { message: 'has characters that no file name has' });
const packageName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9+._-]*$/, 'is no package name');

const lockedPackage = z.object({
  name: packageName,
  version: z.string().regex(/^[A-Za-z0-9.+~:-]+$/, 'is no version'),
  architecture: z.string().regex(/^[a-z0-9-]+$/, 'is no architecture'),
  stage: z.number().int().nonnegative(),
  reason: z.string(),
  repository: z.string(),
  size: bytes,
  installedSize: bytes,
  sha256,
  filename,
  source: z.string().optional(),
  essential: z.literal(true).optional(),
  states: z.record(z.string(), z.string().regex(/^[^\n]*$/, 'has several lines')).optional(),
});

const lockedRepository = z.object({
  name: z.string(),
  type: z.string(),
  mirror: z.string().optional(),
  uri: z.string().optional(),
  snapshot: z.string().optional(),
  dates: z.array(z.iso.datetime()).optional(),
});

const lockedIndex = z.object({
  repository: z.string(),
  suite: z.string(),
  sha256,
  date: z.iso.datetime(),
  signedBy: z.string().optional(),
});

const lockedBase = z.object({
  reference: z.string(),
  digest,
  version: z.string(),
  signedBy: z.string().optional(),
});

const lockedOption = z.object({
  path: z.string(),
  digest: z.string().regex(/^[0-9a-f]{16}$/, 'is no digest (16 hex digits)'),
  value: z.json().optional(),
  by: z
    .object({
      layer: z.string(),
      verb: z.enum(['add', 'override', 'remove', 'exclude', 'protect']),
      file: z.string(),
      line: z.number().int().positive(),
    })
    .optional(),
});

/** The order of the keys is the order in which they are written. */
const resolution = {
  vse: z.object({ name: z.string(), version: z.string(), digest }),
  distribution: z.object({ id: z.string(), release: z.string(), architecture: z.string() }),
  bases: z.array(lockedBase).optional(),
  stages: z.array(z.object({ layers: z.array(z.string()) })),
  repositories: z.array(lockedRepository),
  indexes: z.array(lockedIndex),
  epoch: z.number().int().nonnegative(),
  insecure: z.literal(true).optional(),
  packages: z.array(lockedPackage),
};
const options = z.array(lockedOption).optional();

const resolutionSchema = z.object({ ...resolution, options });
type Resolution = z.infer<typeof resolutionSchema>;

/** Each package in a stage and a repository of the lock. */
function checkReferences(
  { stages, repositories, packages }: Resolution,
  problem: (at: number, field: string, message: string) => void,
): void {
  const known = new Set(repositories.map(({ name }) => name));
  packages.forEach(({ stage, repository }, at) => {
    if (stage >= stages.length) problem(at, 'stage', 'is beyond the last stage');
    if (!known.has(repository)) problem(at, 'repository', `'${repository}' is not in the lock`);
  });
}

/** What `ENV.lock.json` holds; fields that it does not know are dropped. */
export const lockSchema = z
  .object({
    vsecLock: z.literal(LOCK_FORMAT),
    ...resolution,
    toolbox: z.object({
      digest,
      definition: digest.optional(),
      repositories: z.array(lockedRepository),
      packages: z.array(lockedPackage),
    }),
    options,
    otherArchitectures: z.array(resolutionSchema).optional(),
  })
  .superRefine((lock, ctx) => {
    const check = (one: Resolution, above: readonly (string | number)[]): void =>
      checkReferences(one, (at, field, message) =>
        ctx.addIssue({ code: 'custom', path: [...above, 'packages', at, field], message }),
      );
    check(lock, []);
    lock.otherArchitectures?.forEach((other, i) => check(other, ['otherArchitectures', i]));
    const names = [lock, ...(lock.otherArchitectures ?? [])].map((one) => one.distribution);
    const architectures = names.map(({ architecture }) => architecture);
    if (new Set(architectures).size < architectures.length)
      ctx.addIssue({ code: 'custom', path: ['otherArchitectures'], message: 'has one twice' });
  });
