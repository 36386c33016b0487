import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseForPruning, type CacheUnit } from '../../cli/cache.ts';
import { vsec } from '../support/vsec.ts';

const HOUR = 3_600_000;
const NOW = 1000 * HOUR;
const unit = (path: string, kind: string, bytes: number, hoursAgo: number): CacheUnit => ({
  ...{ path, kind, bytes },
  usedAt: NOW - hoursAgo * HOUR,
});

describe('chooseForPruning', () => {
  const units = [
    unit('young', 'packages', 100, 0.5),
    unit('day', 'packages', 100, 24),
    unit('week', 'built stages', 100, 168),
    unit('month', 'toolboxes', 100, 720),
    unit('memory', 'signed releases', 1, 900),
  ];
  const choose = (limits: { olderThan?: number; maxSize?: number }) =>
    chooseForPruning(units, { ...limits, now: NOW }).map(({ path }) => path);

  it.each([
    ['what is older', { olderThan: 100 * 3600 }, ['month', 'week']],
    ['the longest unused until the rest fits', { maxSize: 301 }, ['month']],
    ['by both', { olderThan: 700 * 3600, maxSize: 250 }, ['month', 'week']],
    ['nothing when all fits', { maxSize: 401 }, []],
    ['neither what is in use nor the memory of releases', { maxSize: 0 }, ['month', 'week', 'day']],
  ])('drops %s', (_, limits, expected) => expect(choose(limits)).toEqual(expected));

  it('leaves the folder of a build that runs', () => {
    const running = unit(`/work/${process.pid}-abc`, 'unfinished builds', 1, 48);
    const dead = unit('/work/4194305-abc', 'unfinished builds', 1, 48);
    expect(chooseForPruning([running, dead], { olderThan: 1, now: NOW })).toEqual([dead]);
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
    const { code, stderr } = await run('verify');
    expect(code).toBe(1);
    expect(stderr).toContain('CLI020');
    expect([existsSync(good), existsSync(bad)]).toEqual([true, false]);
    expect((await run('verify')).code).toBe(0);
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

  it('prune leaves what was made within the hour', async () => {
    const file = put('stages/x.tar', 'b');
    utimesSync(file, 0, 0);
    const { stdout } = await run('prune', '--max-size', '0', '--json');
    expect(JSON.parse(stdout)).toEqual({ dropped: 0, bytes: 0 });
  });
});
