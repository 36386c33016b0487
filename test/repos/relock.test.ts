/** A lock made anew while the archive moves on. The archive is small, signed and real. */
import { expect, it } from 'vitest';
import { describeLockDrift } from '../../repos/lock-drift.ts';
import { parseLock, serialiseLock } from '../../repos/lock-file.ts';
import { describeLockGap } from '../../repos/lock-holds.ts';
import { lockVse, type LockOptions } from '../../repos/lock-vse.ts';
import type { Lock } from '../../repos/lock.ts';
import type { Vse } from '../../vse/types.ts';
import { toStanzas } from '../support/toy-universe.ts';
import { merged } from '../vse/support.ts';
import { writeArchive } from './support/archive.ts';
import { diagnosticOf, type TestContext } from './support/context.ts';
import type { SigningKey } from './support/keys.ts';
import type { MirrorServer } from './support/server.ts';
import { withSignedMirror } from './support/signed-mirror.ts';

const HOUR = 3600 * 1000;
const OLD = `
  libc 1; Essential: yes
  lib 1; Depends: libc
  app 1; Depends: lib, mailer
  tool 1; Depends: lib
  exim 1; Provides: mailer`;
/** Everything is newer, nothing old is left, and apt would prefer another mailer. */
const NEW = `
  libc 2; Essential: yes
  lib 2; Depends: libc
  app 2; Depends: lib (>= 2), mailer
  tool 2; Depends: lib
  exim 2; Provides: mailer
  postfix 1; Provides: mailer; Priority: important
  extra 1; Depends: lib`;

let key: SigningKey;
let keyText: string;
let root: string;
let server: MirrorServer;
let ctx: TestContext;

withSignedMirror((made) => ({ key, keyText, root, server, ctx } = made));

const publish = (packages: string, hoursAgo: number) =>
  writeArchive(root, key, {
    date: new Date(Date.now() - hoursAgo * HOUR),
    text: toStanzas(packages),
  });

const describeVse = (packages = 'app, tool', rest = ''): Promise<Vse> =>
  merged({
    'key.asc': keyText,
    'top.yaml': `vse: 1
name: top
version: 2.0
add:
  distribution: {id: debian, release: stable, architecture: amd64}
  repositories:
    main: {mirror: test, suites: [stable], components: [main], signed-by: [./key.asc]}
  packages: [${packages}]
${rest}`,
  });

const TOOLS = 'libc';
async function lock(vse: Vse, options: LockOptions = {}): Promise<Lock> {
  const made = await lockVse(vse, await describeVse(TOOLS), ctx, options);
  // What a file keeps of it.
  return parseLock(serialiseLock(made.lock), 'test');
}
const versions = ({ packages }: Lock): string =>
  packages
    .map(({ name, version }) => `${name}=${version}`)
    .sort()
    .join(' ');
const LOCKED = 'app=1 exim=1 lib=1 libc=1 tool=1';

/** A lock of the old archive; the archive is the new one when it returns. */
async function lockedBefore(vse: Vse): Promise<Lock> {
  await publish(OLD, 5);
  const before = await lock(vse);
  expect(versions(before)).toBe(LOCKED);
  await publish(NEW, 1);
  return before;
}

it('keeps a lock of an unchanged environment, and asks nobody', async () => {
  const vse = await describeVse();
  const previous = await lockedBefore(vse);
  const asked = server.requests.length;
  expect(serialiseLock(await lock(vse, { previous }))).toBe(serialiseLock(previous));
  expect(server.requests.length).toBe(asked);
});

it('keeps every pin that it can when the environment changes', async () => {
  const previous = await lockedBefore(await describeVse());
  const after = await lock(await describeVse('app, tool, extra'), { previous });
  expect(versions(after)).toBe('app=1 exim=1 extra=1 lib=1 libc=1 tool=1');
  expect(after.epoch).toBe(previous.epoch);
  // Packages of both states of the archive: both are vouched for.
  expect(after.indexes.map(({ date }) => date)).toEqual([
    ...after.indexes.slice(0, 1).map(({ date }) => date),
    previous.indexes[0]!.date,
  ]);
  expect(after.repositories[0]!.dates).toHaveLength(2);
  const less = await lock(await describeVse('tool'), { previous: after });
  expect(versions(less)).toBe('lib=1 libc=1 tool=1');
});

it.each([
  { upgrade: 'all' as const, now: 'app=2 lib=2 libc=2 postfix=1 tool=2' },
  { upgrade: ['app'], now: 'app=2 exim=1 lib=2 libc=1 tool=1' },
  { upgrade: ['tool'], now: 'app=1 exim=1 lib=1 libc=1 tool=2' },
  { upgrade: ['libc', 'exim'], now: 'app=1 exim=2 lib=1 libc=2 tool=1' },
])('--upgrade $upgrade moves that, and what it must', async ({ upgrade, now }) => {
  const vse = await describeVse();
  const previous = await lockedBefore(vse);
  const after = await lock(vse, { previous, upgrade });
  expect(versions(after)).toBe(now);
  expect(after.toolbox.packages[0]!.version).toBe(upgrade === 'all' ? '2' : '1');
  expect(versions(await lock(vse, { previous: after }))).toBe(now);
});

it('is the same lock when only the dates of the repositories are newer', async () => {
  const vse = await describeVse();
  await publish(OLD, 5);
  const previous = await lock(vse);
  await publish(OLD, 1);
  for (const upgrade of ['all' as const, ['app']])
    expect(serialiseLock(await lock(vse, { previous, upgrade }))).toBe(serialiseLock(previous));
});

it('is the same lock when only the lines of the layers have moved', async () => {
  await publish(OLD, 5);
  const previous = await lock(await describeVse());
  const moved = await describeVse('app, tool', '# And that is all.\n');
  const options = previous.options!.map(({ by, ...option }) => ({
    ...option,
    ...(by && { by: { ...by, line: by.line + 7 } }),
  }));
  const before = { ...previous, options };
  expect(serialiseLock(await lock(moved, { previous: before, upgrade: 'all' }))).toBe(
    serialiseLock(before),
  );
});

it('upgrades only what is locked', async () => {
  const vse = await describeVse();
  const previous = await lockedBefore(vse);
  expect(await diagnosticOf(lock(vse, { previous, upgrade: ['apq'] }))).toMatchObject({
    ...{ code: 'SOLV141', exitCode: 2, hint: "did you mean 'app'?" },
  });
});

it('does not believe a lock that does not hold together', async () => {
  const vse = await describeVse();
  const whole = await lockedBefore(vse);
  const without = (name: string) => whole.packages.filter((pkg) => pkg.name !== name);
  const broken = [
    without('lib'),
    without('app'),
    [...without('lib'), { ...whole.packages.at(-1)!, name: 'stray' }],
  ];
  for (const packages of broken) {
    const again = await lock(vse, { previous: { ...whole, packages } });
    expect(versions(again)).not.toContain('stray');
    expect(versions(again)).toContain('app=');
  }
});

it('says what is wrong with a lock that was changed by hand', async () => {
  const vse = await describeVse();
  await publish(OLD, 5);
  const whole = await lock(vse);
  const without = (name: string) => whole.packages.filter((pkg) => pkg.name !== name);
  const found = (changes: Partial<Lock>) => describeLockGap({ ...whole, ...changes }, vse);
  expect(found({})).toBeUndefined();
  expect(found({ packages: whole.packages.map(({ states: _, ...rest }) => rest) })).toBeUndefined();
  const [first] = whole.packages;
  for (const [changes, says] of [
    [{ packages: [] }, 'the environment asks for app, which is not in it'],
    [{ packages: without('tool') }, 'the environment asks for tool'],
    [{ packages: without('libc') }, 'lib depends on libc, which is not in it'],
    [{ packages: [...whole.packages, first!] }, `${first!.name}:amd64 is in it twice`],
    [{ toolbox: { ...whole.toolbox, packages: [] } }, 'its toolbox is not the one that it names'],
  ] as const) {
    const gap = found(changes);
    expect(gap).toMatchObject({ code: 'SOLV142', severity: 'error' });
    expect(gap!.message).toContain(says);
  }
  const elsewhere = { ...whole, distribution: { ...whole.distribution, architecture: 'arm64' } };
  expect(describeLockDrift(elsewhere, vse)).toMatchObject({ code: 'SOLV140' });
  expect((await lock(vse, { previous: elsewhere })).distribution.architecture).toBe('amd64');
});

it('takes no pin from what was locked without signatures, or from another repository', async () => {
  const vse = await describeVse();
  const previous = await lockedBefore(vse);
  expect(versions(await lock(vse, { previous: { ...previous, insecure: true } }))).toContain(
    'lib=2',
  );
  const other = await describeVse('app, tool', '  recommends: true\n');
  expect(versions(await lock(other, { previous }))).toBe(LOCKED);
  const moved = await describeVse('app, tool', '# And that is all.\n');
  const options = previous.options!.map((option) =>
    option.path === 'repositories.main.suites' ? { ...option, digest: '0'.repeat(16) } : option,
  );
  const digest = `sha256:${'0'.repeat(64)}`;
  const elsewhere = { ...previous, vse: { ...previous.vse, digest }, options };
  expect(versions(await lock(moved, { previous: elsewhere }))).toContain('lib=2');
});
