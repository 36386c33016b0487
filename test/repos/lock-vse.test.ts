/** From layers and a signed archive to the lock, all of it real but small. */
import { describe, expect, it } from 'vitest';
import { lockEquals, serialiseLock } from '../../repos/lock-file.ts';
import { lockVse } from '../../repos/lock-vse.ts';
import type { Vse } from '../../vse/types.ts';
import { merged } from '../vse/support.ts';
import { sha256, writeArchive, type ArchiveOptions } from './support/archive.ts';
import { diagnosticOf, filesBelow, type TestContext } from './support/context.ts';
import type { SigningKey } from './support/keys.ts';
import { withSignedMirror } from './support/signed-mirror.ts';

const HOUR = 3600 * 1000;
const file = (text: string): Buffer => Buffer.from(text);

let key: SigningKey;
let keyText: string;
let root: string;
let ctx: TestContext;

withSignedMirror((made) => ({ key, keyText, root, ctx } = made));

const publish = (options: ArchiveOptions = {}) =>
  writeArchive(root, key, { date: new Date(Date.now() - 3 * HOUR), ...options });

const base = (suites: string): string => `vse: 1
name: base
version: 1.0
add:
  distribution: {id: debian, release: stable, architecture: amd64}
  repositories:
    main: {mirror: test, suites: [${suites}], components: [main], signed-by: [./key.asc]}
  packages: [hello]
`;

const describeVse = (packages: string, suites = 'stable'): Promise<Vse> =>
  merged({
    'key.asc': keyText,
    'base.yaml': base(suites),
    'top.yaml': `vse: 1\nname: top\nversion: 2.0\nextends: ./base.yaml\nadd: {packages: [${packages}]}\n`,
  });

describe('lockVse', () => {
  it('pins packages, indexes, stages and the toolbox', async () => {
    const date = new Date(Math.floor(Date.now() / 1000) * 1000 - 5 * HOUR);
    await publish({ date, packages: { hello: file('h'), world: file('w'), tool: file('t') } });
    const vse = await describeVse('world');
    const { lock, warnings } = await lockVse(vse, await describeVse('tool'), ctx);
    expect(warnings).toEqual([]);
    expect(lock).toMatchObject({
      vsecLock: 1,
      vse: { name: 'top', version: '2.0', digest: vse.digest },
      stages: [{ layers: ['base'] }, { layers: ['top'] }],
      repositories: [{ name: 'main', type: 'deb', mirror: 'test' }],
      indexes: [{ repository: 'main', suite: 'stable', date: date.toISOString() }],
      epoch: date.getTime() / 1000,
      packages: [
        { name: 'hello', stage: 0, sha256: sha256('h'), size: 1, reason: 'requested by base' },
        { name: 'world', stage: 1, sha256: sha256('w'), size: 1, reason: 'requested by top' },
      ],
    });
    expect(lock.insecure).toBeUndefined();
    expect(lock.toolbox.packages.map(({ name }) => name)).toEqual(['hello', 'tool']);
    expect(lock.toolbox.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('gives the same lock again, offline too', async () => {
    await publish({ packages: { hello: file('h') } });
    const vse = await describeVse('');
    const first = await lockVse(vse, vse, ctx);
    const again = await lockVse(vse, vse, { ...ctx, offline: true });
    expect(serialiseLock(again.lock)).toBe(serialiseLock(first.lock));
  });

  it('gives another lock when the archive has another package', async () => {
    const vse = await describeVse('');
    await publish({ packages: { hello: file('h') } });
    const before = await lockVse(vse, vse, ctx);
    await publish({ date: new Date(Date.now() - HOUR), packages: { hello: file('H') } });
    const after = await lockVse(vse, vse, ctx);
    expect(lockEquals(before.lock, after.lock)).toBe(false);
    expect(after.lock.toolbox.digest).not.toBe(before.lock.toolbox.digest);
  });

  it('passes over a suite that says it is not automatic, until it is asked for by priority', async () => {
    const fields = { NotAutomatic: 'yes', ButAutomaticUpgrades: 'yes' };
    await publish({
      suite: 'backports',
      fields,
      packages: { hello: file('new'), extra: file('e') },
    });
    await publish({ suite: 'stable', packages: { hello: file('old') } });
    const vse = await describeVse('extra', 'backports, stable');
    const { lock } = await lockVse(vse, vse, ctx);
    expect(lock.packages.map(({ sha256: digest }) => digest)).toEqual([sha256('old'), sha256('e')]);
    const main = { ...vse.config.repositories['main']!, priority: 500 };
    const asked = { ...vse, config: { ...vse.config, repositories: { main } } };
    const other = await lockVse(asked, vse, ctx);
    expect(other.lock.packages[0]!.sha256).toBe(sha256('new'));
  });

  it('marks what was made without signatures', async () => {
    await publish({ packages: { hello: file('h') }, unsigned: true });
    const vse = await describeVse('');
    const { lock, warnings } = await lockVse(vse, vse, ctx, { insecure: true });
    expect(lock.insecure).toBe(true);
    expect(warnings.map(({ code }) => code)).toContain('REPO190');
  });

  it('refuses a description without a repository', async () => {
    const vse = await describeVse('');
    const bare = { ...vse, config: { ...vse.config, repositories: {} } };
    expect(await diagnosticOf(lockVse(bare, vse, ctx))).toMatchObject({
      code: 'SOLV107',
      exitCode: 2,
    });
  });

  it('leaves no partial file behind', async () => {
    await publish({ packages: { hello: file('h') } });
    const vse = await describeVse('nothing-like-it');
    expect((await diagnosticOf(lockVse(vse, vse, ctx))).code).toBe('SOLV101');
    const left = await filesBelow(ctx.cacheDir);
    expect(left.filter((path) => path.includes('.partial/'))).toEqual([]);
  });
});
