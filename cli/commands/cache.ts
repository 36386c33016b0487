import { basename } from 'node:path';
import { error, misuse } from '../../vse/diagnostic.ts';
import { pruneCache, type PruneLimits } from '../cache/prune.ts';
import { listCache, totalBytes, type CacheUnit } from '../cache/units.ts';
import { verifyCache } from '../cache/verify.ts';
import { defineCommand, type ExitCode, type Invocation } from '../command.ts';
import { formatBytes, plural } from '../format.ts';
import { json } from '../options.ts';
import type { Session } from '../session.ts';

const ACTIONS = ['show', 'prune', 'verify', 'clean'] as const;

const options = {
  json,
  'older-than': {
    kind: 'duration',
    placeholder: 'TIME',
    describe: 'prune: drop what was not used for so long (30d, 12h)',
  },
  'max-size': {
    kind: 'size',
    placeholder: 'SIZE',
    describe: 'prune: drop the longest unused until no more than this is left',
  },
  'dry-run': {
    kind: 'flag',
    describe: 'prune, clean: say what would be dropped, and drop nothing',
  },
} as const;
type Call = Invocation<typeof options>;

const entries = (count: number): string => plural(count, 'entry', 'entries');
const time = (ms: number): string => new Date(ms).toISOString();

interface KindTotal {
  readonly kind: string;
  readonly entries: number;
  readonly bytes: number;
}

function byKind(units: readonly CacheUnit[]): readonly KindTotal[] {
  return [...new Set(units.map((unit) => unit.kind))].map((kind) => {
    const members = units.filter((unit) => unit.kind === kind);
    return { kind, entries: members.length, bytes: totalBytes(members) };
  });
}

function printKinds(kinds: readonly KindTotal[], session: Session): void {
  for (const { kind, entries: count, bytes } of kinds)
    session.print(`${formatBytes(bytes).padStart(8)}  ${kind} (${entries(count)})`);
}

async function show({ options, session }: Call): Promise<ExitCode> {
  const { cacheDir } = session.context;
  const units = await listCache(cacheDir);
  const kinds = byKind(units).map((total) => {
    const used = units.filter(({ kind }) => kind === total.kind).map(({ usedAt }) => usedAt);
    return { ...total, oldestUse: time(Math.min(...used)), newestUse: time(Math.max(...used)) };
  });
  const bytes = totalBytes(units);
  if (options.json) session.printJson({ directory: cacheDir, bytes, kinds });
  else {
    printKinds(kinds, session);
    session.print(`${formatBytes(bytes).padStart(8)}  in ${cacheDir}`);
  }
  return 0;
}

async function drop(limits: PruneLimits, { options, session }: Call): Promise<ExitCode> {
  const dryRun = options['dry-run'];
  const { dropped, left, inUse } = await pruneCache(limits, dryRun, session.context);
  const bytes = totalBytes(dropped);
  if (options.json) {
    session.printJson({
      ...{ dryRun, dropped: dropped.length, bytes, left, kinds: byKind(dropped) },
      entries: dropped.map((unit) => ({ ...unit, usedAt: time(unit.usedAt) })),
      kept: { entries: inUse.length, bytes: totalBytes(inUse) },
    });
    return 0;
  }
  printKinds(byKind(dropped), session);
  const verb = dryRun ? 'would drop' : 'dropped';
  const rest = `${formatBytes(left)} ${dryRun ? 'would be ' : ''}left`;
  session.print(`${verb} ${entries(dropped.length)}, ${formatBytes(bytes)}; ${rest}`);
  if (inUse.length > 0) {
    const which = `${entries(inUse.length)}, ${formatBytes(totalBytes(inUse))}`;
    session.print(`kept ${which}: in use, or what remembers how new the repositories were`);
  }
  return 0;
}

async function prune(call: Call): Promise<ExitCode> {
  const { 'older-than': olderThan, 'max-size': maxSize } = call.options;
  if (olderThan === undefined && maxSize === undefined) {
    throw misuse('CLI005', 'Say what to drop', {
      hint: 'Give --older-than TIME or --max-size SIZE; vsec cache clean drops everything.',
    });
  }
  return drop({ olderThan, maxSize, now: Date.now() }, call);
}

async function verify({ options, session }: Call): Promise<ExitCode> {
  const { checked, damaged } = await verifyCache(session.context);
  session.diagnose(
    damaged.map(({ unit, why, inUse }) =>
      error('CLI020', `${unit.path} ${why}${inUse ? '' : '; it has been dropped'}`, {
        notes: [{ message: `one of the ${unit.kind}` }],
        hint: inUse
          ? 'A running build uses it, so it was left: verify again when nothing runs.'
          : 'The next build that needs it fetches or makes it again. If this goes on, look at the health of the disk.',
      }),
    ),
  );
  const count = Object.values(checked).reduce((sum, n) => sum + n, 0);
  if (options.json)
    session.printJson({
      checked: count,
      kinds: checked,
      damaged: damaged.map(({ unit: { kind, path }, why, inUse }) => ({
        ...{ kind, name: basename(path), path, why, dropped: !inUse },
      })),
    });
  else if (damaged.length === 0) session.print(`${entries(count)}: all as they came in`);
  return damaged.length > 0 ? 1 : 0;
}

export default defineCommand({
  description: `Shows what the cache holds, and empties it in part or in whole. What is dropped is
    fetched or built again when it is needed.

    'show' (the default) lists sizes by kind; 'prune' drops what was not used for long or is too
    much; 'clean' drops everything; both leave what a running build needs. 'verify' reads
    everything again and drops what is damaged.`,
  arguments: [{ name: 'ACTION', describe: ACTIONS.join(', '), optional: true, complete: ACTIONS }],
  options,
  examples: [
    { command: 'vsec cache', does: 'sizes by kind' },
    { command: 'vsec cache prune --older-than 30d', does: 'drop what no build used for a month' },
    { command: 'vsec cache prune --max-size 20GB --dry-run', does: 'what would a limit cost?' },
    { command: 'vsec cache verify', does: 'after a crash or a full disk' },
  ],
  async run(call) {
    const [action = 'show'] = call.args;
    if (action === 'show') return show(call);
    if (action === 'prune') return prune(call);
    if (action === 'verify') return verify(call);
    if (action === 'clean') return drop({ maxSize: -1, now: Date.now() }, call);
    throw misuse('CLI004', `cache: '${action}' is not one of ${ACTIONS.join(', ')}`);
  },
});
