import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hold, whileNobodyBegins } from '../../builders/lease.ts';
import { runName } from '../../repos/leftovers.ts';
import { seal } from '../../builders/seal.ts';
import { chooseForPruning } from '../../cli/cache/prune.ts';
import { mustStay, type CacheUnit } from '../../cli/cache/units.ts';
import { noteUse } from '../../repos/last-use.ts';
import { vsec } from '../support/vsec.ts';

const HOUR = 3_600_000;
const NOW = 1000 * HOUR;
const unit = (
  path: string,
  kind: CacheUnit['kind'],
  bytes: number,
  hoursAgo: number,
): CacheUnit => ({
  ...{ path, kind, bytes },
  usedAt: NOW - hoursAgo * HOUR,
});

describe('what a prune drops', () => {
  const units = [
    unit('/c/store/day', 'packages', 100, 24),
    unit('/c/stages/week', 'built stages', 100, 168),
    unit('/c/toolbox/month', 'toolboxes', 100, 720),
    unit('/c/toolbox/held', 'toolboxes', 100, 800),
    unit('/c/releases/memory', 'signed releases', 1, 900),
  ];
  const choose = (limits: { olderThan?: number; maxSize?: number }) => {
    const stays = (one: CacheUnit): boolean => mustStay(one, '/c', ['toolbox/he']);
    const { dropped, left, inUse } = chooseForPruning(units, { ...limits, now: NOW }, stays);
    return [dropped.map(({ path }) => path.split('/').at(-1)), left, inUse.length];
  };

  it.each([
    ['what is older', { olderThan: 100 * 3600 }, [['month', 'week'], 201, 2]],
    ['the longest unused until the rest fits', { maxSize: 301 }, [['month'], 301, 2]],
    ['by both', { olderThan: 700 * 3600, maxSize: 250 }, [['month', 'week'], 201, 2]],
    ['nothing when all fits', { maxSize: 401 }, [[], 401, 0]],
    ['never what is held, nor memory', { maxSize: 0 }, [['month', 'week', 'day'], 101, 2]],
  ])('%s', (_, limits, expected) => expect(choose(limits)).toEqual(expected));

  it('leaves the folder of a build that runs', () => {
    const running = unit(`/c/work/${runName()}`, 'unfinished builds', 1, 48);
    const dead = unit(`/c/work/${runName().replace(/^\d+/, '4194305')}`, 'unfinished builds', 1, 1);
    const kept = unit(`/c/work/kept-${runName()}`, 'unfinished builds', 1, 1);
    expect([running, dead, kept].map((one) => mustStay(one, '/c', []))).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('vsec cache', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'vsec-cache-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const run = (...args: string[]) => vsec(['cache', ...args, '--cache-dir', dir]);
  function put(path: string, content: string): string {
    const full = join(dir, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
    return full;
  }
  function store(content: string, stored = content): string {
    const name = createHash('sha256').update(content).digest('hex');
    return put(`store/sha256/${name.slice(0, 2)}/${name}`, stored);
  }

  it('shows sizes by kind', async () => {
    store('a'.repeat(10_000));
    put('stages/x.tar', 'b'.repeat(10_000));
    const { code, stdout } = await run('--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      directory: dir,
      kinds: [
        { kind: 'packages', entries: 1 },
        { kind: 'built stages', entries: 1 },
      ],
    });
    expect((await run()).stdout).toContain('packages (1 entry)');
  });

  it('an empty cache is no error', async () => {
    expect((await run('show')).code).toBe(0);
    expect((await run('verify')).code).toBe(0);
  });

  it('verify drops what is damaged, says so, and exits with 1', async () => {
    const good = store('good');
    const bad = store('bad', 'worse');
    const index = put(`indexes/${'0'.repeat(64)}`, 'Package: x');
    const release = put('releases/x.json', '{');
    const { code, stdout, stderr } = await run('verify', '--json');
    expect(code).toBe(1);
    expect(stderr).toContain('CLI020');
    const { damaged } = JSON.parse(stdout) as { damaged: { kind: string; dropped: boolean }[] };
    expect(damaged.map(({ kind, dropped }) => [kind, dropped]).sort()).toEqual([
      ['package indexes', true],
      ['packages', true],
      ['signed releases', true],
    ]);
    expect([good, bad, index, release].map((path) => existsSync(path))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    const again = await run('verify');
    expect([again.code, again.stdout]).toEqual([0, '1 entry: all as they came in\n']);
  });

  it.each(['toolbox', 'rootfs'])('verify finds one changed byte in %s', async (folder) => {
    const name = folder === 'toolbox' ? 'a'.repeat(32) : 'a'.repeat(64);
    put(`${folder}/${name}/usr/bin/x`, 'one');
    put(`${folder}/${name}/usr/bin/y`, 'two');
    symlinkSync('x', join(dir, folder, name, 'usr/bin/z'));
    await seal(join(dir, folder, name));
    expect((await run('verify')).code).toBe(0);
    put(`${folder}/${name}/usr/bin/y`, 'twO');
    const { code, stderr } = await run('verify');
    expect([code, stderr]).toEqual([1, expect.stringContaining('usr/bin/y is not what it was')]);
    expect(existsSync(join(dir, folder, name))).toBe(false);
  });

  it('verify finds one changed byte in a kept stage, and drops those without a digest', async () => {
    const sha256 = createHash('sha256').update('tree').digest('hex');
    const [good, bad] = ['a', 'b'].map((key) => `stages/${key.repeat(64)}.${sha256}.tar`);
    const paths = [put(good!, 'tree'), put(bad!, 'treE'), put(`stages/${'c'.repeat(64)}.tar`, 'x')];
    const { code, stdout } = await run('verify', '--json');
    const { damaged } = JSON.parse(stdout) as { damaged: unknown[] };
    expect([code, damaged.length, ...paths.map((path) => existsSync(path))]).toEqual([
      ...[1, 2],
      ...[true, false, false],
    ]);
  });

  it('what a running build holds is neither pruned, cleaned nor dropped', async () => {
    const held = store('held', 'damaged');
    const free = store('free');
    await hold([relative(dir, held)], { cacheDir: dir, signal: new AbortController().signal });
    const { code, stderr } = await run('verify');
    expect([code, stderr]).toEqual([1, expect.stringContaining('A running build uses it')]);
    const { stdout } = await run('prune', '--max-size', '0', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ dropped: 1, kept: { entries: 1 } });
    await run('clean');
    expect([existsSync(held), existsSync(free)]).toEqual([true, false]);
  });

  it('what a killed build held is free', async () => {
    const file = store('a');
    put(`leases/${runName().replace(/^\d+/, '4194305')}`, `${relative(dir, file)}\n`);
    await run('clean');
    expect([existsSync(file), readdirSync(join(dir, 'leases'))]).toEqual([false, []]);
  });

  it('a build that begins waits for a prune to end', async () => {
    const ctx = { cacheDir: dir, signal: new AbortController().signal };
    const order: string[] = [];
    let begun: Promise<void> | undefined;
    await whileNobodyBegins(dir, async (before) => {
      expect(before).toEqual([]);
      begun = hold(['store/x'], ctx).then(() => void order.push('build'));
      await sleep(200);
      order.push('prune');
    });
    await begun;
    expect(order).toEqual(['prune', 'build']);
    await whileNobodyBegins(dir, (held) => Promise.resolve(expect(held).toEqual(['store/x'])));
  });

  it('clean drops what vsec made, and nothing else', async () => {
    store('a');
    put('rootfs/abc/rootfs.tar', 'b');
    const mine = put('my-thesis.tex', 'c');
    expect((await run('clean')).code).toBe(0);
    expect(existsSync(mine)).toBe(true);
    expect([readdirSync(join(dir, 'rootfs')), JSON.parse((await run('--json')).stdout)]).toEqual([
      [],
      { directory: dir, bytes: 0, kinds: [] },
    ]);
  });

  it('prune wants to know what', async () => {
    const { code, stderr } = await run('prune');
    expect([code, stderr]).toEqual([2, expect.stringContaining('--older-than') as string]);
  });

  it('prune goes by the last use, and says first what it would do', async () => {
    const [old, young] = [put('stages/old.tar', 'a'), put('stages/young.tar', 'b')];
    const day = 86_400;
    const now = Date.now() / 1000;
    utimesSync(old, now - 40 * day, now - 40 * day);
    utimesSync(young, now - 20 * day, now - 20 * day);
    const dry = await run('prune', '--older-than', '30d', '--dry-run');
    expect(dry.stdout).toContain('would drop 1 entry');
    expect(existsSync(old)).toBe(true);
    const { stdout } = await run('prune', '--older-than', '30d', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      dryRun: false,
      dropped: 1,
      entries: [{ kind: 'built stages', path: old }],
    });
    expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
    expect(readdirSync(join(dir, 'trash'))).toEqual([]);
    await noteUse(young);
    expect((await run('prune', '--older-than', '10d')).stdout).toContain('dropped 0 entries');
  });
});
