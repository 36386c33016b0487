import { basename } from 'node:path';
import pLimit from 'p-limit';
import { error, misuse } from '../../vse/diagnostic.ts';
import { task } from '../../vse/report.ts';
import { Store } from '../../repos/store.ts';
import { chooseForPruning, dropUnits, listCache, type CacheUnit } from '../cache.ts';
import { defineCommand, type ExitCode, type Invocation } from '../command.ts';
import { formatBytes, plural } from '../format.ts';
import { json } from '../options.ts';
import type { Session } from '../session.ts';

const ACTIONS = ['show', 'prune', 'verify', 'clean'] as const;

const total = (units: readonly CacheUnit[]) => units.reduce((sum, unit) => sum + unit.bytes, 0);

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
} as const;
type Call = Invocation<typeof options>;

async function show({ options, session }: Call): Promise<ExitCode> {
  const { cacheDir } = session.context;
  const units = await listCache(cacheDir);
  const kinds = [...new Set(units.map((unit) => unit.kind))].map((kind) => {
    const members = units.filter((unit) => unit.kind === kind);
    return { kind, entries: members.length, bytes: total(members) };
  });
  if (options.json) {
    session.printJson({ directory: cacheDir, bytes: total(units), kinds });
    return 0;
  }
  for (const { kind, entries, bytes } of kinds) {
    session.print(
      `${formatBytes(bytes).padStart(8)}  ${kind} (${plural(entries, 'entry', 'entries')})`,
    );
  }
  session.print(`${formatBytes(total(units)).padStart(8)}  in ${cacheDir}`);
  return 0;
}

async function drop(units: readonly CacheUnit[], { options, session }: Call): Promise<ExitCode> {
  await dropUnits(units, session.context);
  if (options.json) session.printJson({ dropped: units.length, bytes: total(units) });
  else {
    const count = plural(units.length, 'entry', 'entries');
    session.print(`dropped ${count}, ${formatBytes(total(units))}`);
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
  const units = await listCache(call.session.context.cacheDir);
  return drop(chooseForPruning(units, { olderThan, maxSize, now: Date.now() }), call);
}

/** Reads every package again; a damaged one is dropped, so that the next build fetches it anew. */
async function damagedPackages(session: Session): Promise<readonly CacheUnit[]> {
  const { cacheDir, report, jobs, signal } = session.context;
  const store = new Store(cacheDir);
  const units = (await listCache(cacheDir)).filter((unit) => unit.kind === 'packages');
  const limit = pLimit(jobs);
  const damaged: CacheUnit[] = [];
  await task(
    report,
    'verify',
    `Verifying ${plural(units.length, 'package')}`,
    async (advance) => {
      let done = 0;
      const check = async (unit: CacheUnit): Promise<void> => {
        signal.throwIfAborted();
        if (!(await store.verify(basename(unit.path)))) damaged.push(unit);
        advance((done += unit.bytes));
      };
      await Promise.all(units.map((unit) => limit(check, unit)));
    },
    { total: total(units), unit: 'bytes' },
  );
  return damaged;
}

async function verify({ options, session }: Call): Promise<ExitCode> {
  const damaged = await damagedPackages(session);
  await dropUnits(damaged, session.context);
  session.diagnose(
    damaged.map((unit) =>
      error('CLI020', `${unit.path} was damaged and has been dropped`, {
        hint: 'The next build fetches it again. If this goes on, look at the health of the disk.',
      }),
    ),
  );
  if (options.json) session.printJson({ damaged: damaged.map((unit) => basename(unit.path)) });
  else if (damaged.length === 0) session.print('every package is as it was fetched');
  return damaged.length > 0 ? 1 : 0;
}

export default defineCommand({
  description: `Shows what the cache holds, and empties it in part or in whole. What is dropped is
    fetched or built again when it is needed.

    'show' (the default) lists sizes by kind; 'prune' drops what was not used for long or is too
    much, but nothing of the last hour; 'verify' reads every package again and drops damaged ones;
    'clean' drops everything, and must not be used while a build runs.`,
  arguments: [{ name: 'ACTION', describe: ACTIONS.join(', '), optional: true, complete: ACTIONS }],
  options,
  examples: [
    { command: 'vsec cache', does: 'sizes by kind' },
    { command: 'vsec cache prune --older-than 30d', does: 'drop what no build used for a month' },
    { command: 'vsec cache prune --max-size 20GB', does: 'keep it within a limit' },
    { command: 'vsec cache verify', does: 'after a crash or a full disk' },
  ],
  async run(call) {
    const [action = 'show'] = call.args;
    if (action === 'show') return show(call);
    if (action === 'prune') return prune(call);
    if (action === 'verify') return verify(call);
    if (action === 'clean') return drop(await listCache(call.session.context.cacheDir), call);
    throw misuse('CLI004', `cache: '${action}' is not one of ${ACTIONS.join(', ')}`);
  },
});
